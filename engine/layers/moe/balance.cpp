#include "layers/moe/balance.h"

#include "ops/generic/pointwise.h"
#include "ops/generic/reduce.h"

namespace switchyard::layers {

using ops::generic::Binary;
using ops::generic::Reduction;
using tensor::DType;
using tensor::Tensor;

namespace {

// Below any square of a mean that a real batch has: keeps 0 / 0 of an empty batch away and changes
// no other result.
constexpr double kTinySquare = 1e-30;

}  // namespace

Balance::Balance(const BalanceConfig& config, const std::vector<Costs>& costs) : config_(config) {
  core::require(config.by != BalanceBy::kGate, "Balance: by must be tokens or compute");
  core::require(config.w_importance >= 0.0 && config.w_load >= 0.0,
                "balance: w_importance and w_load must be 0 or more, got {} and {}",
                config.w_importance, config.w_load);
  int64_t num_experts = 0;
  double madds = 0.0;
  for (const Costs& same : costs) {
    core::require(config.by == BalanceBy::kTokens || same.madds_per_row > 0.0,
                  "balance: by = \"compute\" needs experts that say what they cost, and those from "
                  "{} on do not: use by = \"tokens\"",
                  num_experts);
    num_experts += same.count;
    madds += static_cast<double>(same.count) * same.madds_per_row;
  }
  int64_t begin = 0;
  for (const Costs& same : costs) {
    const double mean = madds / static_cast<double>(num_experts);
    const double cost = config.by == BalanceBy::kTokens ? 1.0 : same.madds_per_row / mean;
    ranges_.push_back({.begin = begin, .end = begin + same.count, .cost = cost});
    begin += same.count;
  }
}

/// Scratch of CV^2 of cost * x.
struct Balance::Variation {
  Tensor deviation;    // [E], from the mean
  Tensor mean;         // [1]
  Tensor mean_square;  // [1], of the mean, never 0
  Tensor value;        // [1], CV^2
};

void Balance::multiply_by_cost(const Tensor& x, const Tensor& y, Pass& pass) const {
  for (const Range& range : ranges_) {
    ops::generic::affine(pass.backend, x.slice(0, range.begin, range.end), range.cost, 0.0,
                         y.slice(0, range.begin, range.end));
  }
}

Balance::Variation Balance::variation_of(const Tensor& x, Pass& pass) const {
  const ops::Backend& on = pass.backend;
  const Variation v = {.deviation = pass.scratch->take(DType::kF32, x.shape()),
                       .mean = pass.scratch->take(DType::kF32, {1}),
                       .mean_square = pass.scratch->take(DType::kF32, {1}),
                       .value = pass.scratch->take(DType::kF32, {1})};
  const Tensor tiny = pass.scratch->take(DType::kF32, {1});
  multiply_by_cost(x, v.deviation, pass);
  ops::generic::reduce(on, Reduction::kMean, v.deviation, -1, 0.0, v.mean);
  ops::generic::binary(on, Binary::kSub, v.deviation, v.mean, v.deviation);
  ops::generic::binary(on, Binary::kMul, v.mean, v.mean, v.mean_square);
  ops::generic::fill(on, kTinySquare, tiny);
  ops::generic::binary(on, Binary::kMax, v.mean_square, tiny, v.mean_square);
  ops::generic::reduce(on, Reduction::kSumSq, v.deviation, -1, 0.0, v.value);
  ops::generic::affine(on, v.value, 1.0 / static_cast<double>(x.count()), 0.0, v.value);
  ops::generic::binary(on, Binary::kDiv, v.value, v.mean_square, v.value);
  return v;
}

void Balance::add_term(double weight, const Tensor& x, const Tensor& loss, Pass& pass) const {
  if (weight == 0.0) {
    return;
  }
  const tensor::ScratchScope scope(*pass.scratch);
  const Variation v = variation_of(x, pass);
  ops::generic::affine(pass.backend, v.value, weight, 0.0, v.value);
  ops::generic::binary(pass.backend, Binary::kAdd, loss, v.value, loss);
}

// cost weight 2 / (n m^2) (cost x - m - m CV^2), m the mean of cost x.
Tensor Balance::grad_of_term(double weight, const Tensor& x, const Tensor& grad_loss,
                             Pass& pass) const {
  const ops::Backend& on = pass.backend;
  const Tensor grad = pass.take(DType::kF32, x.shape());
  if (weight == 0.0) {
    ops::generic::fill(on, 0.0, grad);
    return grad;
  }
  const tensor::ScratchScope scope(*pass.scratch);
  const Variation v = variation_of(x, pass);
  const Tensor factor = pass.scratch->take(DType::kF32, {1});
  ops::generic::affine(on, grad_loss, 2.0 * weight / static_cast<double>(x.count()), 0.0, factor);
  ops::generic::binary(on, Binary::kDiv, factor, v.mean_square, factor);
  ops::generic::binary(on, Binary::kMul, v.mean, v.value, v.mean);
  ops::generic::binary(on, Binary::kSub, v.deviation, v.mean, grad);
  ops::generic::binary(on, Binary::kMul, grad, factor, grad);
  multiply_by_cost(grad, grad, pass);
  return grad;
}

void Balance::add_loss(const Routing& routing, Pass& pass) const {
  add_term(config_.w_importance, routing.importance, routing.aux_loss, pass);
  add_term(config_.w_load, routing.load, routing.aux_loss, pass);
}

Balance::Gradient Balance::gradient(const Routing& routing, const Tensor& grad_aux_loss,
                                    Pass& pass) const {
  return {.importance = grad_of_term(config_.w_importance, routing.importance, grad_aux_loss, pass),
          .load = grad_of_term(config_.w_load, routing.load, grad_aux_loss, pass)};
}

}  // namespace switchyard::layers
