#include "layers/embedding.h"

#include "layers/row_slots.h"
#include "ops/nn/embedding.h"

namespace switchyard::layers {

Embedding::Embedding(const std::string& name, const Config& config,
                     tensor::ParameterSet& parameters)
    : table_(&parameters.add({.name = name + ".table",
                              .shape = {config.vocab_size, config.d_model},
                              .role = tensor::Role::kEmbedding,
                              .init = config.init,
                              .touched_rows = config.touched_rows})) {
}

tensor::Tensor Embedding::forward(const tensor::Tensor& tokens, Pass& pass) const {
  tensor::Tensor x = pass.take(tensor::DType::kF32, {tokens.count(), table_->shape[1]});
  ops::nn::embedding(pass.backend, table_->value, tokens, x);
  return x;
}

void Embedding::backward(const tensor::Tensor& tokens, const tensor::Tensor& grad_x,
                         Pass& pass) const {
  const tensor::ScratchScope scope(*pass.scratch);
  const RowSlots slots = touch_rows(*table_, tokens, pass);
  ops::nn::embedding_grad(pass.backend, grad_x, slots.positions, slots.grad);
}

}  // namespace switchyard::layers
