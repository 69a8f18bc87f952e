#include "layers/moe/mixture.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "layers/moe/two_level_gate.h"
#include "ops/generic/pointwise.h"
#include "ops/moe/combine.h"
#include "ops/moe/dispatch.h"

namespace switchyard::layers {

using tensor::DType;
using tensor::Tensor;

namespace {

std::unique_ptr<ExpertGroup> make_group(const ExpertGroupConfig& group, const ExpertMemory& memory,
                                        const ComponentPlace& place, ComponentFactory& factory,
                                        tensor::ParameterSet& parameters) {
  if (memory.is_plain()) {
    return factory.make_experts(group.component, place, parameters);
  }
  return std::make_unique<WindowedExperts>(group.component, place, memory, factory, parameters);
}

// Refuses weights of balance losses in a gate's settings if the layer computes these losses.
void require_no_weights(const core::ComponentConfig& gate) {
  for (const char* key : {"w_importance", "w_load"}) {
    core::require(gate.values.count(key) == 0,
                  "{}: '{}' has no effect where the layer asks for balance itself: set it in "
                  "[model.moe.balance]",
                  gate.where, key);
  }
}

}  // namespace

Mixture::Mixture(const MixturePlace& place, const MoeConfig& config, ComponentFactory& factory,
                 tensor::ParameterSet& parameters)
    : place_(place) {
  for (const ExpertGroupConfig& group : config.experts) {
    core::require(group.count > 0,
                  "{}: a group of experts must have a count of 1 or more, got {} in {}", place.name,
                  group.count, group.component.where);
    num_experts_ += group.count;
  }
  core::require(num_experts_ > 0, "{}: there must be at least one expert", place.name);
  ComponentPlace of_part = {.name = place.name + ".gate",
                            .layer = place.index,
                            .d_in = place.d_in,
                            .d_out = place.d_out,
                            .num_experts = static_cast<int32_t>(num_experts_),
                            .num_local = static_cast<int32_t>(num_experts_),
                            .max_tokens = config.max_tokens};
  make_gate(config, of_part, factory, parameters);
  int64_t first = 0;
  for (const ExpertGroupConfig& group : config.experts) {
    of_part.name = fmt::format("{}.experts{}", place.name, groups_.size());
    of_part.first_expert = static_cast<int32_t>(first);
    of_part.num_local = static_cast<int32_t>(group.count);
    of_part.max_tokens = config.max_tokens * std::min(top_k(), group.count);
    groups_.push_back({.experts = make_group(group, config.memory, of_part, factory, parameters),
                       .first = first,
                       .count = group.count});
    first += group.count;
  }
}

void Mixture::make_gate(const MoeConfig& config, ComponentPlace place, ComponentFactory& factory,
                        tensor::ParameterSet& parameters) {
  if (config.gate.plugin.empty()) {
    core::require(num_experts_ == 1 && config.groups == 0,
                  "{}: without a gate there must be exactly one expert, got {}; name one, for "
                  "example gate.plugin = \"noisy_topk\"",
                  place_.name, num_experts_);
    return;
  }
  place.balanced_by_caller = config.balance.by != BalanceBy::kGate;
  core::require(place.balanced_by_caller || config.groups == 0,
                "{}: the gates of a two-level layer cannot see to the balance of all experts: the "
                "layer must, by tokens or by compute (model.moe.balance.by)",
                place_.name);
  if (place.balanced_by_caller) {
    require_no_weights(config.gate);
    require_no_weights(config.secondary_gate);
  }
  if (config.groups > 0) {
    gate_ = std::make_unique<TwoLevelGate>(place, config, factory, parameters);
  } else {
    gate_ = factory.make_gate(config.gate, place, parameters);
  }
}

std::vector<Balance::Costs> Mixture::costs() const {
  std::vector<Balance::Costs> costs;
  for (const PlacedGroup& group : groups_) {
    costs.push_back({.count = group.count, .madds_per_row = group.experts->madds_per_row()});
  }
  return costs;
}

namespace {

struct Kept {
  GateInput input;
  Routing routing;
  ops::moe::RoutingPlan plan;
  Tensor rows;
  Tensor outputs;
};

struct KeptSingle {
  Tensor x;
};

// A tensor of `shape`, in the memory of `used_up`, whose values are no longer needed, if that is
// large enough.
Tensor take_over(const Tensor& used_up, const tensor::Shape& shape, Pass& pass) {
  if (used_up.count() < shape.count()) {
    return pass.take(DType::kF32, shape);
  }
  return used_up.reshape({used_up.count()}).slice(0, 0, shape.count()).reshape(shape);
}

}  // namespace

Mixture::Output Mixture::forward(const GateInput& input, Pass& pass) {
  if (!gate_) {
    return {.y = forward_single(input.x, pass)};
  }
  const int64_t T = input.x.size(0);
  Routing routing = take_routing({.choices = {T, gate_->top_k()}, .experts = {num_experts_}}, pass);
  gate_->forward(input, routing, pass);
  const ops::moe::RoutingPlan plan =
      ops::moe::plan(pass.backend, routing.expert_index, num_experts_, *pass.activations);
  // From here on the cost depends on the number of rows, not on empty slots.
  const Tensor rows = pass.take(DType::kF32, {plan.num_rows(), place_.d_in});
  ops::moe::dispatch(pass.backend, input.x, plan, rows);

  const Tensor outputs = pass.take(DType::kF32, {plan.num_rows(), place_.d_out});
  for (PlacedGroup& group : groups_) {
    const ops::moe::RowRange range = plan.rows_of(group.first, group.count);
    group.experts->forward(
        range.of(rows),
        part_of(pass.backend, plan.experts(), group.first, group.count, *pass.activations),
        range.of(outputs), pass);
  }
  const Tensor y = pass.take(DType::kF32, {T, place_.d_out});
  ops::moe::combine(pass.backend, outputs, routing.gate_weight, plan, y);

  pass.keep(Kept{input, routing, plan, rows, outputs});
  return {.y = y, .routing = routing, .plan = plan};
}

void Mixture::backward(const Tensor& grad_y, GateGrad grad, Pass& pass) {
  if (!gate_) {
    backward_single(grad_y, grad.grad_x, pass);
    return;
  }
  const auto [input, routing, plan, rows, outputs] = pass.restore<Kept>();
  const Tensor grad_outputs = pass.take(DType::kF32, outputs.shape());
  grad.grad_gate_weight = pass.take(DType::kF32, routing.gate_weight.shape());
  ops::moe::combine_grad(pass.backend, grad_y, outputs, routing.gate_weight, plan, grad_outputs,
                         grad.grad_gate_weight);
  const Tensor grad_rows = take_over(outputs, rows.shape(), pass);
  for (auto group = groups_.rbegin(); group != groups_.rend(); ++group) {
    const ops::moe::RowRange range = plan.rows_of(group->first, group->count);
    group->experts->backward(
        range.of(rows),
        part_of(pass.backend, plan.experts(), group->first, group->count, *pass.activations),
        range.of(grad_outputs), range.of(grad_rows), pass);
  }
  ops::moe::dispatch_grad(pass.backend, grad_rows, plan, grad.grad_x);
  gate_->backward(input, routing, grad, pass);
}

Tensor Mixture::forward_single(const Tensor& x, Pass& pass) {
  const Tensor y = pass.take(DType::kF32, {x.size(0), place_.d_out});
  const ExpertRows all = ops::moe::rows_of_one_expert(pass.backend, x.size(0), *pass.activations);
  groups_[0].experts->forward(x, all, y, pass);
  pass.keep(KeptSingle{x});
  return y;
}

void Mixture::backward_single(const Tensor& grad_y, const Tensor& grad_x, Pass& pass) {
  const auto [x] = pass.restore<KeptSingle>();
  const Tensor grad = pass.take(DType::kF32, grad_x.shape());
  const ExpertRows all = ops::moe::rows_of_one_expert(pass.backend, x.size(0), *pass.activations);
  groups_[0].experts->backward(x, all, grad_y, grad, pass);
  ops::generic::binary(pass.backend, ops::generic::Binary::kAdd, grad_x, grad, grad_x);
}

double Mixture::madds_per_row() const {
  double heaviest = 0.0;
  for (const PlacedGroup& group : groups_) {
    heaviest = std::max(heaviest, group.experts->madds_per_row());
  }
  const double gate = gate_ ? gate_->madds_per_row() : 0.0;
  return gate + experts_per_row() * heaviest;
}

StepMemory Mixture::step_memory(int64_t num_rows) const {
  const auto T = static_cast<double>(num_rows);
  const auto d_in = static_cast<double>(place_.d_in);
  const auto d_out = static_cast<double>(place_.d_out);
  const double choices = std::ceil(experts_per_row() * T);
  StepMemory memory;
  for (const PlacedGroup& group : groups_) {
    const double share = static_cast<double>(group.count) / static_cast<double>(num_experts_);
    memory += group.experts->step_memory(static_cast<int64_t>(std::ceil(choices * share)));
  }
  double values = T * d_out;  // y
  if (gate_) {
    memory += gate_->step_memory(num_rows);
    // The rows of the choices and their outputs; the choices with their weights, and the plan.
    values += choices * (d_in + d_out) + 4.0 * T * static_cast<double>(gate_->top_k());
    values += 5.0 * static_cast<double>(num_experts_);
  }
  memory.kept += values * sizeof(float) + backward_bytes(num_rows);
  return memory;
}

double Mixture::backward_bytes(int64_t num_rows) const {
  const auto T = static_cast<double>(num_rows);
  const auto d_in = static_cast<double>(place_.d_in);
  const auto d_out = static_cast<double>(place_.d_out);
  double values = T * d_in;  // the gradient of the input
  if (gate_) {
    // The gradients of the outputs, those of the rows unless they fit in the memory of the outputs,
    // and those of the weights.
    const double choices = std::ceil(experts_per_row() * T);
    values = choices * (d_out + (d_in > d_out ? d_in : 0.0));
    values += T * static_cast<double>(gate_->top_k());
  }
  return values * sizeof(float);
}

void Mixture::step_end(Pass& pass) {
  if (gate_) {
    gate_->step_end(pass);
  }
}

}  // namespace switchyard::layers
