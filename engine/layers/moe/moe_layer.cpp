#include "layers/moe/moe_layer.h"

#include <algorithm>
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

// Weights of balance losses in a gate's settings say nothing where the layer asks for balance.
void require_no_weights(const core::ComponentConfig& gate) {
  for (const char* key : {"w_importance", "w_load"}) {
    core::require(gate.values.count(key) == 0, gate.where, ": '", key,
                  "' has no effect where the layer asks for balance itself: set it in "
                  "[model.moe.balance]");
  }
}

}  // namespace

MoeLayer::MoeLayer(std::string name, int32_t index, int64_t d_model, const MoeConfig& config,
                   ComponentFactory& factory, tensor::ParameterSet& parameters)
    : name_(std::move(name)), d_model_(d_model) {
  for (const ExpertGroupConfig& group : config.experts) {
    core::require(group.count > 0, name_,
                  ": a group of experts must have a count of 1 or more, got ", group.count, " in ",
                  group.component.where);
    num_experts_ += group.count;
  }
  core::require(num_experts_ > 0, name_, ": there must be at least one expert");
  ComponentPlace place = {.name = name_ + ".gate",
                          .layer = index,
                          .d_in = d_model,
                          .d_out = d_model,
                          .num_experts = static_cast<int32_t>(num_experts_),
                          .num_local = static_cast<int32_t>(num_experts_)};
  make_gate(config, place, factory, parameters);
  int64_t first = 0;
  for (const ExpertGroupConfig& group : config.experts) {
    place.name = name_ + ".experts" + std::to_string(groups_.size());
    place.first_expert = static_cast<int32_t>(first);
    place.num_local = static_cast<int32_t>(group.count);
    groups_.push_back({.experts = make_group(group, config.memory, place, factory, parameters),
                       .first = first,
                       .count = group.count});
    first += group.count;
  }
  if (gate_ && config.balance.by != BalanceBy::kGate) {
    make_balance(config.balance);
  }
}

void MoeLayer::make_gate(const MoeConfig& config, ComponentPlace place, ComponentFactory& factory,
                         tensor::ParameterSet& parameters) {
  if (config.gate.plugin.empty()) {
    core::require(num_experts_ == 1 && config.groups == 0, name_,
                  ": without a gate there must be exactly one expert, got ", num_experts_,
                  "; name one, for example gate.plugin = \"noisy_topk\"");
    return;
  }
  place.balanced_by_caller = config.balance.by != BalanceBy::kGate;
  core::require(place.balanced_by_caller || config.groups == 0, name_,
                ": the gates of a two-level layer cannot see to the balance of all experts: the "
                "layer must, by tokens or by compute (model.moe.balance.by)");
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

void MoeLayer::make_balance(const BalanceConfig& config) {
  std::vector<Balance::Costs> costs;
  for (const PlacedGroup& group : groups_) {
    costs.push_back({.count = group.count, .madds_per_row = group.experts->madds_per_row()});
  }
  balance_.emplace(config, costs);
}

Routing MoeLayer::take_routing(int64_t tokens, Pass& pass) const {
  const int64_t K = gate_->top_k();
  const Routing routing = {.expert_index = pass.take(DType::kI32, {tokens, K}),
                           .gate_weight = pass.take(DType::kF32, {tokens, K}),
                           .importance = pass.take(DType::kF32, {num_experts_}),
                           .load = pass.take(DType::kF32, {num_experts_}),
                           .aux_loss = pass.take(DType::kF32, {1})};
  for (const Tensor& out : {routing.expert_index, routing.gate_weight, routing.importance,
                            routing.load, routing.aux_loss}) {
    ops::generic::fill(pass.backend, 0.0, out);
  }
  return routing;
}

// Offsets of a group, counted from the group's first row.
ExpertRows MoeLayer::rows_of(const PlacedGroup& group, const Tensor& offsets, Pass& pass) const {
  const Tensor of_group = offsets.slice(0, group.first, group.first + group.count + 1);
  if (group.first == 0) {
    return {.offsets = of_group,
            .host_offsets = {of_group.data<int32_t>(), static_cast<size_t>(group.count + 1)}};
  }
  const Tensor counted = pass.take(DType::kI32, {group.count + 1});
  const auto* from = of_group.data<int32_t>();
  auto* to = counted.data<int32_t>();
  for (int64_t e = 0; e <= group.count; ++e) {
    to[e] = from[e] - from[0];
  }
  return {.offsets = counted,
          .host_offsets = {counted.data<int32_t>(), static_cast<size_t>(group.count + 1)}};
}

namespace {

// The rows of the experts [first, first + count).
Tensor rows_between(const Tensor& rows, const Tensor& offsets, int64_t first, int64_t count) {
  const auto* o = offsets.data<int32_t>();
  return rows.slice(0, o[first], o[first + count]);
}

}  // namespace

Tensor MoeLayer::forward(const Tensor& x, const SequenceInfo& sequence, Pass& pass) {
  if (!gate_) {
    return forward_single(x, pass);
  }
  const int64_t T = x.size(0);
  const Routing routing = take_routing(T, pass);
  gate_->forward({.x = x, .mask = sequence.mask, .token_ids = sequence.tokens}, routing, pass);
  if (balance_) {
    balance_->add_loss(routing, pass);
  }
  const ops::moe::RoutingPlan plan =
      ops::moe::plan(pass.backend, routing.expert_index, num_experts_, *pass.activations);
  // What follows costs as much as there are rows, however many slots the gate left empty.
  const int64_t num_rows = plan.offsets.data<int32_t>()[num_experts_];
  const Tensor rows = pass.take(DType::kF32, {num_rows, d_model_});
  ops::moe::dispatch(pass.backend, x, plan, rows);

  const Tensor outputs = pass.take(DType::kF32, rows.shape());
  for (PlacedGroup& group : groups_) {
    group.experts->forward(rows_between(rows, plan.offsets, group.first, group.count),
                           rows_of(group, plan.offsets, pass),
                           rows_between(outputs, plan.offsets, group.first, group.count), pass);
  }
  const Tensor y = pass.take(DType::kF32, {T, d_model_});
  ops::moe::combine(pass.backend, outputs, routing.gate_weight, plan, y);

  trace_ = {.routing = routing, .plan = plan};
  for (const Tensor& kept :
       {x, routing.expert_index, routing.gate_weight, routing.importance, routing.load,
        routing.aux_loss, plan.offsets, plan.row_pair, plan.pair_row, rows, outputs}) {
    pass.save(kept);
  }
  return y;
}

void MoeLayer::backward(const Tensor& grad_y, const SequenceInfo& sequence, const Tensor& grad_x,
                        Pass& pass) {
  if (!gate_) {
    const Tensor offsets = pass.restore();
    const Tensor x = pass.restore();
    const Tensor grad = pass.take(DType::kF32, grad_x.shape());
    groups_[0].experts->backward(
        x, {.offsets = offsets, .host_offsets = {offsets.data<int32_t>(), 2}}, grad_y, grad, pass);
    ops::generic::binary(pass.backend, ops::generic::Binary::kAdd, grad_x, grad, grad_x);
    return;
  }
  const Tensor outputs = pass.restore();
  const Tensor rows = pass.restore();
  ops::moe::RoutingPlan plan;
  plan.pair_row = pass.restore();
  plan.row_pair = pass.restore();
  plan.offsets = pass.restore();
  Routing routing;
  routing.aux_loss = pass.restore();
  routing.load = pass.restore();
  routing.importance = pass.restore();
  routing.gate_weight = pass.restore();
  routing.expert_index = pass.restore();
  const Tensor x = pass.restore();

  const Tensor grad_outputs = pass.take(DType::kF32, outputs.shape());
  const Tensor grad_gate_weight = pass.take(DType::kF32, routing.gate_weight.shape());
  ops::moe::combine_grad(pass.backend, grad_y, outputs, routing.gate_weight, plan, grad_outputs,
                         grad_gate_weight);
  const Tensor& grad_rows = outputs;  // its values are used up
  for (auto group = groups_.rbegin(); group != groups_.rend(); ++group) {
    group->experts->backward(rows_between(rows, plan.offsets, group->first, group->count),
                             rows_of(*group, plan.offsets, pass),
                             rows_between(grad_outputs, plan.offsets, group->first, group->count),
                             rows_between(grad_rows, plan.offsets, group->first, group->count),
                             pass);
  }
  ops::moe::dispatch_grad(pass.backend, grad_rows, plan, grad_x);

  const Tensor grad_aux_loss = pass.take(DType::kF32, {1});
  ops::generic::fill(pass.backend, 1.0, grad_aux_loss);
  const Balance::Gradient asked =
      balance_ ? balance_->gradient(routing, grad_aux_loss, pass) : Balance::Gradient();
  gate_->backward({.x = x, .mask = sequence.mask, .token_ids = sequence.tokens}, routing,
                  {.grad_gate_weight = grad_gate_weight,
                   .grad_aux_loss = grad_aux_loss,
                   .grad_x = grad_x,
                   .grad_importance = asked.importance,
                   .grad_load = asked.load},
                  pass);
}

Tensor MoeLayer::forward_single(const Tensor& x, Pass& pass) {
  const Tensor offsets = pass.take(DType::kI32, {2});
  auto* o = offsets.data<int32_t>();
  o[0] = 0;
  o[1] = static_cast<int32_t>(x.size(0));
  const Tensor y = pass.take(DType::kF32, {x.size(0), d_model_});
  groups_[0].experts->forward(x, {.offsets = offsets, .host_offsets = {o, 2}}, y, pass);
  pass.save(x);
  pass.save(offsets);
  return y;
}

double MoeLayer::madds_per_token() const {
  double heaviest = 0.0;
  for (const PlacedGroup& group : groups_) {
    heaviest = std::max(heaviest, group.experts->madds_per_row());
  }
  const double gate = gate_ ? gate_->madds_per_row() : 0.0;
  return gate + experts_per_token() * heaviest;
}

double MoeLayer::activation_bytes_per_token() const {
  double heaviest = 0.0;
  for (const PlacedGroup& group : groups_) {
    heaviest = std::max(heaviest, group.experts->saved_bytes_per_row());
  }
  const auto row_bytes = static_cast<double>(d_model_ * static_cast<int64_t>(sizeof(float)));
  // Per expert of a token: its row, its output and its gradient. Per token: the sum of the outputs,
  // and what the gate keeps.
  const double gate = gate_ ? gate_->saved_bytes_per_row() : 0.0;
  return gate + experts_per_token() * (3.0 * row_bytes + heaviest) + row_bytes;
}

void MoeLayer::step_end(Pass& pass) {
  if (gate_) {
    gate_->step_end(pass);
  }
}

}  // namespace switchyard::layers
