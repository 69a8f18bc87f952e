#include "plugin_host/plugin_gate.h"

#include <algorithm>

#include "ops/generic/select.h"
#include "ops/moe/expert_choice.h"
#include "plugin_host/rehearsal.h"
#include "plugin_host/tensor_view.h"

namespace switchyard::plugin_host {

namespace {

sy_gate_out output_of(const layers::Routing& routing) {
  return {.struct_size = sizeof(sy_gate_out),
          .reserved = 0,
          .ids = view_of(routing.expert_index),
          .weights = view_of(routing.gate_weight),
          .importance = view_of(routing.importance),
          .load = view_of(routing.load),
          .aux_loss = view_of(routing.aux_loss)};
}

// All elements of a contiguous tensor as a matrix of one row.
tensor::Tensor in_one_row(const tensor::Tensor& t) {
  return t.reshape({1, t.count()});
}

}  // namespace

PluginGate::PluginGate(InstanceSetup setup, tensor::ParameterSet& parameters)
    : instance_(std::move(setup), &parameters), functions_(instance_.functions<sy_gate_vt>()) {
  read_info();
  for (const tensor::Parameter* parameter : instance_.parameters()) {
    if (!parameter->is_buffer && parameter->shape.dim() >= 2) {
      madds_per_row_ += static_cast<double>(parameter->shape.count());
    }
  }
}

void PluginGate::read_info() {
  sy_gate_info info{};
  info.struct_size = sizeof(sy_gate_info);
  instance_.call("info", functions_.info, &info);
  if (info.layout != SY_TOKEN_CHOICE && info.layout != SY_EXPERT_CHOICE) {
    core::fail(core::ErrorCode::kUnsupported,
               "{}: this engine knows token choice (layout 0) and expert choice (1), got layout {}",
               instance_.described(), info.layout);
  }
  const int32_t experts = instance_.layer().n_experts;
  core::require(info.k_max >= 1 && info.k_max <= experts,
                "{}: the slots per token must be 1 ... {} (the number of experts), got {}",
                instance_.described(), experts, info.k_max);
  core::require(
      info.k_mean >= 0.0 && info.k_mean <= info.k_max,
      "{}: the experts per token on average must be 0 ... {} (the slots per token), got {}",
      instance_.described(), info.k_max, info.k_mean);
  experts_choose_ = info.layout == SY_EXPERT_CHOICE;
  top_k_ = info.k_max;
  experts_per_token_ = info.k_mean == 0.0 ? info.k_max : info.k_mean;
}

layers::StepMemory PluginGate::step_memory(int64_t num_rows) const {
  return gate_memory(instance_.setup(), num_rows);
}

void PluginGate::forward(const layers::GateInput& input, layers::Routing& routing,
                         layers::Pass& pass) {
  PassCall call(instance_.context(), pass, instance_.layer().layer, CallPhase::kForward);
  call.compute_in_f32();  // routing must not depend on rounding, and it costs next to nothing
  sy_gate_in in = input_of(input);
  sy_gate_out out = output_of(routing);
  Choice choice;
  if (experts_choose_) {
    choice = take_choice(input.x.size(0), pass);
    in.capacity = choice.weight.size(1);
    out.ids = view_of(choice.token_index);
    out.weights = view_of(choice.weight);
  }
  instance_.call("forward", functions_.forward, call.get(), static_cast<const sy_gate_in*>(&in),
                 static_cast<const sy_gate_out*>(&out));
  if (experts_choose_) {
    place(choice, routing, pass);
  } else {
    check_expert_index(routing.expert_index);
  }
  call.keep_saved();
}

void PluginGate::backward(const layers::GateInput& input, const layers::Routing& routing,
                          const layers::GateGrad& grad, layers::Pass& pass) {
  PassCall call(instance_.context(), pass, instance_.layer().layer, CallPhase::kBackward);
  call.compute_in_f32();
  sy_gate_in in = input_of(input);
  sy_gate_out out = output_of(routing);
  sy_gate_grad gradients = {.struct_size = sizeof(sy_gate_grad),
                            .reserved = 0,
                            .dweights = view_of(grad.grad_gate_weight),
                            .daux = view_of(grad.grad_aux_loss),
                            .dx = view_of(grad.grad_x),
                            .dimportance = view_of(grad.grad_importance),
                            .dload = view_of(grad.grad_load)};
  Choice choice;
  tensor::Tensor grad_weight;
  if (experts_choose_) {
    choice = pass.restore<Choice>();
    grad_weight = pass.take(tensor::DType::kF32, choice.weight.shape());
    ops::generic::take(pass.backend, in_one_row(grad.grad_gate_weight), in_one_row(choice.slot),
                       in_one_row(grad_weight));
    in.capacity = choice.weight.size(1);
    out.ids = view_of(choice.token_index);
    out.weights = view_of(choice.weight);
    gradients.dweights = view_of(grad_weight);
  }
  instance_.call("backward", functions_.backward, call.get(), static_cast<const sy_gate_in*>(&in),
                 static_cast<const sy_gate_out*>(&out),
                 static_cast<const sy_gate_grad*>(&gradients));
}

int64_t PluginGate::capacity(int64_t num_tokens, bool is_training) const {
  if (num_tokens == 0 || !is_training) {
    return num_tokens;
  }
  const double share = experts_per_token_ * static_cast<double>(num_tokens) /
                       static_cast<double>(instance_.layer().n_experts);
  return std::max(int64_t{1}, static_cast<int64_t>(share));
}

PluginGate::Choice PluginGate::take_choice(int64_t num_tokens, layers::Pass& pass) const {
  const tensor::Shape shape = {instance_.layer().n_experts,
                               capacity(num_tokens, pass.is_training())};
  const Choice choice = {.token_index = pass.take(tensor::DType::kI32, shape),
                         .weight = pass.take(tensor::DType::kF32, shape),
                         .slot = pass.take(tensor::DType::kI32, shape)};
  pass.backend.device->clear(choice.token_index);
  pass.backend.device->clear(choice.weight);
  return choice;
}

// Routing as if the tokens had chosen: what comes after a gate knows no other.
void PluginGate::place(const Choice& choice, const layers::Routing& routing,
                       layers::Pass& pass) const {
  try {
    ops::moe::tokens_of_choice(pass.backend, choice.token_index, routing.expert_index, choice.slot);
  } catch (const core::Error& error) {
    core::fail(error.code(), "{}: forward: {}", instance_.described(), error.what());
  }
  ops::generic::put_add(pass.backend, in_one_row(choice.weight), in_one_row(choice.slot),
                        in_one_row(routing.gate_weight));
  pass.keep(choice);
}

void PluginGate::step_end(layers::Pass& pass) {
  if (!SY_HAS_FN(&functions_, sy_gate_vt, step_end)) {
    return;
  }
  const PassCall call(instance_.context(), pass, instance_.layer().layer, CallPhase::kOther);
  instance_.call("step_end", functions_.step_end, call.get());
}

sy_gate_in PluginGate::input_of(const layers::GateInput& input) const {
  return {.struct_size = sizeof(sy_gate_in),
          .n_experts = instance_.layer().n_experts,
          .x = view_of(input.x),
          .mask = view_of(input.mask),
          .token_ids = view_of(input.token_ids),
          .sequence = view_of(input.sequence),
          .capacity = 0};
}

// Dispatch trusts these numbers as places in memory.
void PluginGate::check_expert_index(const tensor::Tensor& expert_index) const {
  if (expert_index.device() != tensor::DeviceType::kCpu || !expert_index.is_contiguous()) {
    return;
  }
  const auto* ids = expert_index.data<int32_t>();
  const int32_t experts = instance_.layer().n_experts;
  for (int64_t i = 0; i < expert_index.count(); ++i) {
    core::require(
        ids[i] >= -1 && ids[i] < experts,
        "{}: forward gave expert {} to row {}, it must be 0 ... {}, or -1 for an empty slot",
        instance_.described(), ids[i], i / top_k_, experts - 1);
  }
}

}  // namespace switchyard::plugin_host
