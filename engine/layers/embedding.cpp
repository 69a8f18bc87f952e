#include "layers/embedding.h"

#include "ops/nn/embedding.h"

namespace switchyard::layers {

Embedding::Embedding(const std::string& name, int64_t vocab_size, int64_t d_model,
                     const tensor::Init& init, tensor::ParameterSet& parameters)
    : table_(&parameters.add({.name = name + ".table",
                              .shape = {vocab_size, d_model},
                              .role = tensor::Role::kEmbedding,
                              .init = init})) {
}

tensor::Tensor Embedding::forward(const tensor::Tensor& tokens, Pass& pass) const {
  tensor::Tensor x = pass.take(tensor::DType::kF32, {tokens.count(), table_->shape[1]});
  ops::nn::embedding(pass.backend, table_->value, tokens, x);
  return x;
}

void Embedding::backward(const tensor::Tensor& tokens, const tensor::Tensor& grad_x,
                         Pass& pass) const {
  ops::nn::embedding_grad(pass.backend, grad_x, tokens, table_->grad);
}

}  // namespace switchyard::layers
