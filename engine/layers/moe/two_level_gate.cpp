#include "layers/moe/two_level_gate.h"

#include <cmath>

#include "ops/generic/affine.h"
#include "ops/generic/reduce.h"
#include "ops/moe/dispatch.h"

namespace switchyard::layers {

using ops::moe::RowRange;
using tensor::DType;
using tensor::Shape;
using tensor::Tensor;

namespace {

// A gate does not know its level, so errors about its settings have the level added here.
std::unique_ptr<Gate> make_gate_of_level(const char* level, const core::ComponentConfig& config,
                                         const ComponentPlace& place, ComponentFactory& factory,
                                         tensor::ParameterSet& parameters) {
  try {
    return factory.make_gate(config, place, parameters);
  } catch (const core::Error& error) {
    core::fail(error.code(), "{}; it is a gate of two levels, where the {} one chooses among {}",
               error.what(), level, place.num_experts);
  }
}

}  // namespace

TwoLevelGate::TwoLevelGate(const ComponentPlace& place, const MoeConfig& config,
                           ComponentFactory& factory, tensor::ParameterSet& parameters)
    : d_model_(place.d_in) {
  const int64_t a = config.groups;
  core::require(a > 0 && place.num_experts % a == 0,
                "{}: the groups of a two-level gate must divide the number of experts, got {} "
                "groups for {} experts",
                place.name, a, place.num_experts);
  group_size_ = place.num_experts / a;
  ComponentPlace inner = place;
  inner.balanced_by_caller = true;
  inner.num_experts = inner.num_local = static_cast<int32_t>(a);
  primary_ = make_gate_of_level("first", config.gate, inner, factory, parameters);
  inner.num_experts = inner.num_local = static_cast<int32_t>(group_size_);
  const core::ComponentConfig& secondary =
      config.secondary_gate.plugin.empty() ? config.gate : config.secondary_gate;
  secondary_.reserve(static_cast<size_t>(a));
  for (int64_t i = 0; i < a; ++i) {
    inner.name = fmt::format("{}.{}", place.name, i);
    secondary_.push_back(make_gate_of_level("second", secondary, inner, factory, parameters));
  }
}

int64_t TwoLevelGate::top_k() const {
  return primary_->top_k() * secondary_[0]->top_k();
}

double TwoLevelGate::experts_per_token() const {
  return primary_->experts_per_token() * secondary_[0]->experts_per_token();
}

GateInput TwoLevelGate::gather_rows(const GateInput& input, const ops::moe::RoutingPlan& plan,
                                    Pass& pass) const {
  const int64_t num_rows = plan.num_rows();
  GateInput rows = {.x = pass.take(DType::kF32, {num_rows, d_model_})};
  ops::moe::dispatch(pass.backend, input.x, plan, rows.x);
  if (input.mask.defined()) {
    rows.mask = pass.take(input.mask.dtype(), {num_rows});
    ops::moe::dispatch_labels(pass.backend, input.mask, plan, rows.mask);
  }
  if (input.token_ids.defined()) {
    rows.token_ids = pass.take(input.token_ids.dtype(), {num_rows});
    ops::moe::dispatch_labels(pass.backend, input.token_ids, plan, rows.token_ids);
  }
  if (input.sequence.defined()) {
    rows.sequence = pass.take(input.sequence.dtype(), {num_rows});
    ops::moe::dispatch_labels(pass.backend, input.sequence, plan, rows.sequence);
  }
  return rows;
}

GateInput TwoLevelGate::rows_between(const GateInput& rows, RowRange range) {
  const auto part = [&](const Tensor& whole) {
    return whole.defined() ? range.of(whole) : Tensor();
  };
  return {.x = part(rows.x),
          .mask = part(rows.mask),
          .token_ids = part(rows.token_ids),
          .sequence = part(rows.sequence)};
}

Routing TwoLevelGate::routing_between(const Routing& all, int64_t group, RowRange range) {
  return {.expert_index = range.of(all.expert_index),
          .gate_weight = range.of(all.gate_weight),
          .importance = all.importance.select(0, group),
          .load = all.load.select(0, group),
          .aux_loss = all.aux_loss.slice(0, group, group + 1)};
}

ops::moe::TwoLevelRouting TwoLevelGate::routing_of(const Levels& levels) {
  return {.plan = levels.plan,
          .group_weight = levels.primary.gate_weight,
          .group_load = levels.primary.load,
          .local_index = levels.secondary.expert_index,
          .local_weight = levels.secondary.gate_weight,
          .local_load = levels.secondary.load};
}

void TwoLevelGate::forward(const GateInput& input, Routing& routing, Pass& pass) {
  const int64_t a = num_groups();
  Levels levels;
  levels.primary =
      take_routing({.choices = {input.x.size(0), primary_->top_k()}, .experts = {a}}, pass);
  primary_->forward(input, levels.primary, pass);
  levels.plan = ops::moe::plan(pass.backend, levels.primary.expert_index, a, *pass.activations);
  levels.rows = gather_rows(input, levels.plan, pass);
  levels.secondary = take_routing({.choices = {levels.rows.x.size(0), secondary_[0]->top_k()},
                                   .experts = {a, group_size_},
                                   .num_losses = a},
                                  pass);
  for (int64_t i = 0; i < a; ++i) {
    const RowRange range = levels.plan.rows_of(i, 1);
    Routing of_group = routing_between(levels.secondary, i, range);
    secondary_[static_cast<size_t>(i)]->forward(rows_between(levels.rows, range), of_group, pass);
  }
  ops::moe::compose(pass.backend, routing_of(levels),
                    {.expert_index = routing.expert_index,
                     .gate_weight = routing.gate_weight,
                     .importance = routing.importance,
                     .load = routing.load});
  ops::generic::copy(pass.backend, levels.primary.aux_loss, routing.aux_loss);
  ops::generic::reduce(pass.backend, ops::generic::Reduction::kSum, levels.secondary.aux_loss, -1,
                       1.0, routing.aux_loss);
  pass.keep(levels);
}

void TwoLevelGate::backward(const GateInput& input, const Routing& /*routing*/,
                            const GateGrad& grad, Pass& pass) {
  const auto levels = pass.restore<Levels>();
  const ops::moe::TwoLevelGrad of_levels = {
      .group_weight = pass.take(DType::kF32, levels.primary.gate_weight.shape()),
      .group_load = pass.take(DType::kF32, levels.primary.load.shape()),
      .local_weight = pass.take(DType::kF32, levels.secondary.gate_weight.shape()),
      .local_load = pass.take(DType::kF32, levels.secondary.load.shape())};
  ops::moe::compose_grad(pass.backend, routing_of(levels),
                         {.gate_weight = grad.grad_gate_weight,
                          .importance = grad.grad_importance,
                          .load = grad.grad_load},
                         of_levels);
  const Tensor grad_rows = pass.take(DType::kF32, levels.rows.x.shape());
  ops::generic::fill(pass.backend, 0.0, grad_rows);
  for (int64_t i = num_groups(); i-- > 0;) {
    const RowRange range = levels.plan.rows_of(i, 1);
    secondary_[static_cast<size_t>(i)]->backward(
        rows_between(levels.rows, range), routing_between(levels.secondary, i, range),
        {.grad_gate_weight = range.of(of_levels.local_weight),
         .grad_aux_loss = grad.grad_aux_loss,
         .grad_x = range.of(grad_rows),
         .grad_load = of_levels.local_load.select(0, i)},
        pass);
  }
  ops::moe::dispatch_grad(pass.backend, grad_rows, levels.plan, grad.grad_x);
  primary_->backward(input, levels.primary,
                     {.grad_gate_weight = of_levels.group_weight,
                      .grad_aux_loss = grad.grad_aux_loss,
                      .grad_x = grad.grad_x,
                      .grad_load = of_levels.group_load},
                     pass);
}

void TwoLevelGate::step_end(Pass& pass) {
  primary_->step_end(pass);
  for (const std::unique_ptr<Gate>& gate : secondary_) {
    gate->step_end(pass);
  }
}

double TwoLevelGate::madds_per_row() const {
  return primary_->madds_per_row() + primary_->experts_per_token() * secondary_[0]->madds_per_row();
}

StepMemory TwoLevelGate::step_memory(int64_t num_rows) const {
  const auto T = static_cast<double>(num_rows);
  const auto a = static_cast<double>(num_groups());
  const double rows = std::ceil(primary_->experts_per_token() * T);
  StepMemory memory = secondary_[0]->step_memory(static_cast<int64_t>(std::ceil(rows / a)));
  memory.kept *= a;
  memory += primary_->step_memory(num_rows);
  // For each chosen group a row, its gradient, its word and its stream; the choices of both levels
  // with their weights and gradients; the plan.
  const auto K1 = static_cast<double>(primary_->top_k());
  const auto K2 = static_cast<double>(secondary_[0]->top_k());
  const double values = rows * (2.0 * static_cast<double>(d_model_) + 2.0) + 3.0 * rows * K2 +
                        5.0 * T * K1 + 3.0 * a * static_cast<double>(group_size_ + 2);
  memory.kept += values * sizeof(float);
  return memory;
}

}  // namespace switchyard::layers
