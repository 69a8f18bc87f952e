#include "layers/softmax_head.h"

#include <algorithm>

#include "ops/generic/pointwise.h"
#include "ops/linalg/matmul.h"
#include "ops/loss/softmax_cross_entropy.h"
#include "ops/nn/column_sums.h"

namespace switchyard::layers {

namespace {

using ops::linalg::matmul;
using ops::linalg::Transpose;
using tensor::DType;
using tensor::Tensor;

constexpr int64_t kLogitBytesPerPiece = int64_t{32} << 20;

// Tokens whose logits fit in kLogitBytesPerPiece, in pieces of nearly equal length.
int64_t tokens_per_piece(int64_t tokens, int64_t vocab_size) {
  const int64_t most = std::max<int64_t>(64, kLogitBytesPerPiece / (4 * vocab_size));
  const int64_t pieces = std::max<int64_t>(1, (tokens + most - 1) / most);
  return std::max<int64_t>(1, (tokens + pieces - 1) / pieces);
}

double sum(const Tensor& nll) {
  double total = 0.0;
  const auto* values = nll.data<float>();
  for (int64_t t = 0; t < nll.count(); ++t) {
    total += values[t];
  }
  return total;
}

}  // namespace

SoftmaxHead::SoftmaxHead(const std::string& name, int64_t d_model, int64_t vocab_size,
                         const tensor::Init& init, tensor::ParameterSet& parameters)
    : kernel_(&parameters.add({.name = name + ".kernel",
                               .shape = {d_model, vocab_size},
                               .role = tensor::Role::kEmbedding,
                               .init = init})),
      bias_(&parameters.add(
          {.name = name + ".bias", .shape = {vocab_size}, .role = tensor::Role::kBias})) {
}

double SoftmaxHead::loss(const Tensor& x, const Tensor& targets, Pass& pass) const {
  const tensor::ScratchScope scope(*pass.scratch);
  const int64_t T = x.size(0);
  const int64_t V = bias_->shape[0];
  const int64_t piece = tokens_per_piece(T, V);
  const Tensor nll = pass.scratch->take(DType::kF32, {T});
  const Tensor buffer = pass.scratch->take(DType::kF32, {piece, V});
  for (int64_t begin = 0; begin < T; begin += piece) {
    const int64_t end = std::min(begin + piece, T);
    const Tensor logits = buffer.slice(0, 0, end - begin);
    matmul(pass.backend, Transpose::kNo, Transpose::kNo, 1.0, x.slice(0, begin, end),
           kernel_->value, 0.0, logits);
    ops::loss::softmax_cross_entropy(pass.backend, logits, bias_->value,
                                     targets.slice(0, begin, end), nll.slice(0, begin, end));
  }
  return sum(nll);
}

double SoftmaxHead::loss_and_gradient(const Tensor& x, const Tensor& targets, double grad_scale,
                                      const Tensor& grad_x, Pass& pass) const {
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
    matmul(pass.backend, Transpose::kNo, Transpose::kNo, 1.0, rows, kernel_->value, 0.0, logits);
    ops::loss::softmax_cross_entropy_with_grad(pass.backend, logits, bias_->value,
                                               targets.slice(0, begin, end), grad_scale,
                                               nll.slice(0, begin, end));
    const Tensor& grad_logits = logits;
    matmul(pass.backend, Transpose::kYes, Transpose::kNo, 1.0, rows, grad_logits, 1.0,
           kernel_->grad);
    matmul(pass.backend, Transpose::kNo, Transpose::kYes, 1.0, grad_logits, kernel_->value, 0.0,
           grad_x.slice(0, begin, end));
    ops::nn::add_column_sums(pass.backend, grad_logits, bias_->grad);
  }
  return sum(nll);
}

void SoftmaxHead::logits(const Tensor& x, const Tensor& logits, Pass& pass) const {
  matmul(pass.backend, Transpose::kNo, Transpose::kNo, 1.0, x, kernel_->value, 0.0, logits);
  ops::generic::binary(pass.backend, ops::generic::Binary::kAdd, logits, bias_->value, logits);
}

}  // namespace switchyard::layers
