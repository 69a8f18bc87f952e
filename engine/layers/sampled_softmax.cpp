#include "layers/sampled_softmax.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "layers/logit_pieces.h"
#include "layers/row_slots.h"
#include "ops/generic/affine.h"
#include "ops/generic/pointwise.h"
#include "ops/generic/reduce.h"
#include "ops/generic/select.h"
#include "ops/linalg/matmul.h"
#include "ops/loss/sampled_classes.h"
#include "ops/loss/sampled_softmax_cross_entropy.h"
#include "ops/loss/total.h"
#include "ops/nn/column_sums.h"

namespace switchyard::layers {

namespace {

using ops::generic::Binary;
using ops::linalg::matmul;
using ops::linalg::Transpose;
using tensor::DType;
using tensor::Tensor;

}  // namespace

/// Scratch memory of one step: T tokens, K sampled classes, D features.
struct SampledSoftmax::Work {
  Tensor classes;       // [K + T] i32: the sample, then the targets
  Tensor sample;        // [K]: its beginning
  Tensor targets;       // [T]: its end
  Tensor hits;          // [T] i32: where each target is in the sample
  Tensor offsets;       // [K + T]: bias - ln Q of `classes`
  Tensor table_sample;  // [K, D]: rows of the table
  Tensor grad_sample;   // [K, D]
  Tensor grad_offsets;  // [K]
  Tensor target;        // [T]: logit with bias - ln Q; its gradient in the end
  Tensor nll;           // [T]
  RowSlots slots;       // of the table, for `classes`
};

/// Tokens [begin, end), P in number.
struct SampledSoftmax::Piece {
  int64_t begin = 0;
  int64_t end = 0;
  Tensor x;         // [P, D]
  Tensor grad_x;    // [P, D]
  Tensor logits;    // [P, K]
  Tensor words;     // [P, D]: the targets' rows of the table, 0 where a token does not count
  Tensor products;  // [P, D]
};

SampledSoftmax::SampledSoftmax(const std::string& name, int64_t num_samples, ClassSampler sampler,
                               tensor::Parameter& table, tensor::Parameter& bias)
    : name_(name),
      num_samples_(num_samples),
      sampler_(std::move(sampler)),
      table_(&table),
      bias_(&bias) {
  core::require(num_samples > 0 && num_samples <= sampler_.num_classes(),
                "sampled softmax: must sample 1 ... {} words, got {}", sampler_.num_classes(),
                num_samples);
}

// Draws the sample and writes the correction of each class's logit: bias - ln Q.
void SampledSoftmax::draw_sample(const Work& work, const Tensor& targets, Pass& pass) {
  tensor::Device& device = *pass.backend.device;
  const auto K = static_cast<size_t>(num_samples_);
  std::vector<int32_t> classes(K);
  const core::RngKey key =
      core::rng_key(pass.seed, name_, static_cast<uint32_t>(core::RngPurpose::kSample));
  const int64_t draws =
      sampler_.draw(key, {.step = pass.step, .microbatch = pass.microbatch}, classes);
  device.upload<int32_t>(classes, work.sample);
  const tensor::HostView<int32_t> words = device.read_back<int32_t>(targets);
  classes.insert(classes.end(), words.begin(), words.end());
  std::vector<double> log_counts(classes.size());
  std::transform(classes.begin(), classes.end(), log_counts.begin(),
                 [&](int32_t c) { return c < 0 ? 0.0 : sampler_.log_expected_count(c, draws); });
  const Tensor uploaded = pass.scratch->take(DType::kF64, {work.classes.count()});
  device.upload<double>(log_counts, uploaded);
  ops::loss::subtract_log_counts(pass.backend, bias_->value, work.classes, uploaded, work.offsets);
}

SampledSoftmax::Work SampledSoftmax::begin(const Tensor& targets, Pass& pass) {
  const int64_t T = targets.count();
  const int64_t D = table_->shape[1];
  const int64_t K = num_samples_;
  const auto take = [&](DType dtype, const tensor::Shape& shape) {
    return pass.scratch->take(dtype, shape);
  };
  Work work = {.classes = take(DType::kI32, {K + T}),
               .hits = take(DType::kI32, {T}),
               .offsets = take(DType::kF32, {K + T}),
               .table_sample = take(DType::kF32, {K, D}),
               .grad_sample = take(DType::kF32, {K, D}),
               .grad_offsets = take(DType::kF32, {K}),
               .target = take(DType::kF32, {T}),
               .nll = take(DType::kF32, {T})};
  work.sample = work.classes.slice(0, 0, K);
  work.targets = work.classes.slice(0, K, K + T);
  ops::generic::copy(pass.backend, targets, work.targets);
  draw_sample(work, targets.reshape({T}), pass);
  ops::loss::find_hits(pass.backend, work.sample, work.targets, work.hits);
  ops::generic::gather_rows(pass.backend, table_->value, work.sample, work.table_sample);
  ops::generic::fill(pass.backend, 0.0, work.grad_sample);
  ops::generic::fill(pass.backend, 0.0, work.grad_offsets);
  work.slots = touch_rows(*table_, work.classes, pass);
  return work;
}

// The losses of some tokens, their grad_x, and their part of the table's gradient.
void SampledSoftmax::run_piece(const Work& work, const Piece& piece, double grad_scale,
                               Pass& pass) const {
  const ops::Backend& on = pass.backend;
  const Tensor target = work.target.slice(0, piece.begin, piece.end);
  ops::generic::gather_rows(on, table_->value, work.targets.slice(0, piece.begin, piece.end),
                            piece.words);
  ops::generic::binary(on, Binary::kMul, piece.x, piece.words, piece.products);
  ops::generic::reduce(on, ops::generic::Reduction::kSum, piece.products, 1, 0.0, target);
  const int64_t K = num_samples_;
  ops::generic::binary(on, Binary::kAdd, target,
                       work.offsets.slice(0, K + piece.begin, K + piece.end), target);

  matmul(on, Transpose::kNo, Transpose::kYes, 1.0, piece.x, work.table_sample, 0.0, piece.logits);
  ops::loss::sampled_softmax_cross_entropy_with_grad(
      on, work.offsets.slice(0, 0, K), work.hits.slice(0, piece.begin, piece.end), grad_scale,
      piece.logits, target, work.nll.slice(0, piece.begin, piece.end));
  const Tensor& grad_logits = piece.logits;
  const Tensor grad_target = target.reshape({piece.end - piece.begin, 1});
  matmul(on, Transpose::kYes, Transpose::kNo, 1.0, grad_logits, piece.x, 1.0, work.grad_sample);
  matmul(on, Transpose::kNo, Transpose::kNo, 1.0, grad_logits, work.table_sample, 0.0,
         piece.grad_x);
  ops::nn::add_column_sums(on, grad_logits, work.grad_offsets);

  ops::generic::binary(on, Binary::kMul, piece.words, grad_target, piece.products);
  ops::generic::binary(on, Binary::kAdd, piece.grad_x, piece.products, piece.grad_x);
  ops::generic::binary(on, Binary::kMul, piece.x, grad_target, piece.products);
  ops::generic::scatter_add_rows(on, piece.products,
                                 work.slots.positions.slice(0, K + piece.begin, K + piece.end),
                                 work.slots.grad);
}

// The sample's gradients of the table, and all of the bias.
void SampledSoftmax::add_shared_gradients(const Work& work, Pass& pass) const {
  const int64_t K = num_samples_;
  const int64_t T = work.target.count();
  ops::generic::scatter_add_rows(pass.backend, work.grad_sample,
                                 work.slots.positions.slice(0, 0, K), work.slots.grad);
  const RowSlots bias = touch_rows(*bias_, work.classes, pass);
  const Tensor grad = bias.grad.reshape({bias.grad.count(), 1});
  ops::generic::scatter_add_rows(pass.backend, work.target.reshape({T, 1}),
                                 bias.positions.slice(0, K, K + T), grad);
  ops::generic::scatter_add_rows(pass.backend, work.grad_offsets.reshape({K, 1}),
                                 bias.positions.slice(0, 0, K), grad);
}

Tensor SampledSoftmax::loss_and_gradient(const Tensor& x, const Tensor& targets, double grad_scale,
                                         const Tensor& grad_x, Pass& pass) {
  const Tensor loss = pass.take(DType::kF64, {1});
  const tensor::ScratchScope scope(*pass.scratch);
  const Work work = begin(targets, pass);
  const int64_t T = x.size(0);
  const int64_t most = tokens_per_piece(T, num_samples_);
  const Tensor logits = pass.scratch->take(DType::kF32, {most, num_samples_});
  const Tensor words = pass.scratch->take(DType::kF32, {most, x.size(1)});
  const Tensor products = pass.scratch->take(DType::kF32, {most, x.size(1)});
  for (int64_t from = 0; from < T; from += most) {
    const int64_t to = std::min(from + most, T);
    const Piece piece = {.begin = from,
                         .end = to,
                         .x = x.slice(0, from, to),
                         .grad_x = grad_x.slice(0, from, to),
                         .logits = logits.slice(0, 0, to - from),
                         .words = words.slice(0, 0, to - from),
                         .products = products.slice(0, 0, to - from)};
    run_piece(work, piece, grad_scale, pass);
  }
  add_shared_gradients(work, pass);
  ops::loss::total(pass.backend, work.nll, loss);
  return loss;
}

double SampledSoftmax::scratch_bytes(int64_t num_tokens) const {
  const auto D = static_cast<double>(table_->shape[1]);
  const auto K = static_cast<double>(num_samples_);
  const auto T = static_cast<double>(num_tokens);
  const auto piece = static_cast<double>(tokens_per_piece(num_tokens, num_samples_));
  return sizeof(float) * (2.0 * K * D + piece * (K + 2.0 * D) + 7.0 * (K + T));
}

}  // namespace switchyard::layers
