#include "layers/softmax_head.h"

#include <algorithm>

#include "layers/gradient.h"
#include "layers/logit_pieces.h"
#include "ops/generic/pointwise.h"
#include "ops/linalg/matmul.h"
#include "ops/loss/softmax_cross_entropy.h"
#include "ops/loss/total.h"
#include "ops/nn/column_sums.h"

namespace switchyard::layers {

namespace {

using ops::linalg::matmul;
using ops::linalg::Transpose;
using tensor::DType;
using tensor::Tensor;

tensor::Parameter weights_of(const std::string& name, const SoftmaxHead::Config& config) {
  const bool is_table = config.layout == SoftmaxHead::Layout::kTable;
  return {.name = name + (is_table ? ".table" : ".kernel"),
          .shape = is_table ? tensor::Shape{config.vocab_size, config.d_model}
                            : tensor::Shape{config.d_model, config.vocab_size},
          .role = tensor::Role::kEmbedding,
          .init = config.init,
          .touched_rows = config.touched_rows};
}

}  // namespace

SoftmaxHead::SoftmaxHead(const std::string& name, const Config& config,
                         tensor::ParameterSet& parameters)
    : layout_(config.layout),
      weights_(config.tied_to != nullptr ? config.tied_to
                                         : &parameters.add(weights_of(name, config))),
      bias_(&parameters.add({.name = name + ".bias",
                             .shape = {config.vocab_size},
                             .role = tensor::Role::kBias,
                             .touched_rows = config.touched_rows})) {
  core::require(
      layout_ == Layout::kTable || (config.tied_to == nullptr && !config.touched_rows.is_sparse()),
      "SoftmaxHead: tied weights and gradients by row need the layout kTable");
}

void SoftmaxHead::multiply(const Tensor& x, const Tensor& logits, Pass& pass) const {
  matmul(pass.backend, Transpose::kNo, layout_ == Layout::kTable ? Transpose::kYes : Transpose::kNo,
         1.0, x, weights_->value, 0.0, logits);
}

void SoftmaxHead::add_weight_gradient(const Tensor& x, const Tensor& grad_logits,
                                      Pass& pass) const {
  const bool is_table = layout_ == Layout::kTable;
  matmul(pass.backend, Transpose::kYes, Transpose::kNo, 1.0, is_table ? grad_logits : x,
         is_table ? x : grad_logits, weights_->take_grad_beta(), weights_->grad);
}

Tensor SoftmaxHead::loss(const Tensor& x, const Tensor& targets, Pass& pass) const {
  const Tensor total = pass.take(DType::kF64, {1});
  const tensor::ScratchScope scope(*pass.scratch);
  const int64_t T = x.size(0);
  const int64_t V = bias_->shape[0];
  const int64_t piece = tokens_per_piece(T, V);
  const Tensor nll = pass.scratch->take(DType::kF32, {T});
  const Tensor buffer = pass.scratch->take(DType::kF32, {piece, V});
  for (int64_t begin = 0; begin < T; begin += piece) {
    const int64_t end = std::min(begin + piece, T);
    const Tensor logits = buffer.slice(0, 0, end - begin);
    multiply(x.slice(0, begin, end), logits, pass);
    ops::loss::softmax_cross_entropy(pass.backend, bias_->value, targets.slice(0, begin, end),
                                     logits, nll.slice(0, begin, end));
  }
  ops::loss::total(pass.backend, nll, total);
  return total;
}

Tensor SoftmaxHead::loss_and_gradient(const Tensor& x, const Tensor& targets, double grad_scale,
                                      const Tensor& grad_x, Pass& pass) const {
  core::require(
      weights_->grad.defined() && bias_->grad.defined(),
      "SoftmaxHead: the full softmax touches every row, so '{}' must have a dense gradient",
      weights_->name);
  const Tensor total = pass.take(DType::kF64, {1});
  const tensor::ScratchScope scope(*pass.scratch);
  const int64_t T = x.size(0);
  const int64_t V = bias_->shape[0];
  const int64_t piece = tokens_per_piece(T, V);
  const Tensor nll = pass.scratch->take(DType::kF32, {T});
  const Tensor buffer = pass.scratch->take(DType::kF32, {piece, V});
  for (int64_t begin = 0; begin < T; begin += piece) {
    const int64_t end = std::min(begin + piece, T);
    const Tensor rows = x.slice(0, begin, end);
    const Tensor logits = buffer.slice(0, 0, end - begin);
    multiply(rows, logits, pass);
    ops::loss::softmax_cross_entropy_with_grad(pass.backend, bias_->value,
                                               targets.slice(0, begin, end), grad_scale, logits,
                                               nll.slice(0, begin, end));
    const Tensor& grad_logits = logits;
    add_weight_gradient(rows, grad_logits, pass);
    matmul(pass.backend, Transpose::kNo,
           layout_ == Layout::kTable ? Transpose::kNo : Transpose::kYes, 1.0, grad_logits,
           weights_->value, 0.0, grad_x.slice(0, begin, end));
    ops::nn::add_column_sums(pass.backend, grad_logits, summed_grad(pass.backend, *bias_));
  }
  ops::loss::total(pass.backend, nll, total);
  return total;
}

void SoftmaxHead::logits(const Tensor& x, const Tensor& logits, Pass& pass) const {
  multiply(x, logits, pass);
  ops::generic::binary(pass.backend, ops::generic::Binary::kAdd, logits, bias_->value, logits);
}

double SoftmaxHead::scratch_bytes(int64_t num_tokens) const {
  const int64_t V = bias_->shape[0];
  return static_cast<double>(tokens_per_piece(num_tokens, V) * V + num_tokens) * sizeof(float);
}

}  // namespace switchyard::layers
