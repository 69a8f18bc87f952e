#include "layers/moe/balance.h"

#include "ops/generic/affine.h"
#include "ops/generic/squared_variation.h"

namespace switchyard::layers {

using tensor::DType;
using tensor::Tensor;

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

void Balance::multiply_by_cost(const Tensor& x, const Tensor& y, Pass& pass) const {
  for (const Range& range : ranges_) {
    ops::generic::affine(pass.backend, x.slice(0, range.begin, range.end), range.cost, 0.0,
                         y.slice(0, range.begin, range.end));
  }
}

void Balance::add_term(double weight, const Tensor& x, const Tensor& loss, Pass& pass) const {
  if (weight == 0.0) {
    return;
  }
  const tensor::ScratchScope scope(*pass.scratch);
  const Tensor work = pass.scratch->take(DType::kF32, x.shape());
  multiply_by_cost(x, work, pass);
  ops::generic::squared_variation(pass.backend, work, weight, loss);
}

Tensor Balance::grad_of_term(double weight, const Tensor& x, const Tensor& grad_loss,
                             Pass& pass) const {
  const Tensor grad = pass.take(DType::kF32, x.shape());
  if (weight == 0.0) {
    ops::generic::fill(pass.backend, 0.0, grad);
    return grad;
  }
  multiply_by_cost(x, grad, pass);
  ops::generic::squared_variation_grad(pass.backend, grad, weight, grad_loss, grad);
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
