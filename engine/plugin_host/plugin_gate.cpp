#include "plugin_host/plugin_gate.h"

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

}  // namespace

PluginGate::PluginGate(InstanceSetup setup, tensor::ParameterSet& parameters)
    : instance_(std::move(setup), &parameters), functions_(instance_.functions<sy_gate_vt>()) {
  sy_gate_info info{};
  info.struct_size = sizeof(sy_gate_info);
  instance_.call("info", functions_.info, &info);
  if (info.layout != SY_TOKEN_CHOICE) {
    core::fail(core::ErrorCode::kUnsupported,
               "{}: experts that choose tokens (layout {}) are not supported by this engine: use a "
               "gate in which tokens choose experts",
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
  top_k_ = info.k_max;
  experts_per_token_ = info.k_mean == 0.0 ? info.k_max : info.k_mean;
  for (const tensor::Parameter* parameter : instance_.parameters()) {
    if (!parameter->is_buffer && parameter->shape.dim() >= 2) {
      madds_per_row_ += static_cast<double>(parameter->shape.count());
    }
  }
}

layers::StepMemory PluginGate::step_memory(int64_t num_rows) const {
  return gate_memory(instance_.setup(), num_rows);
}

void PluginGate::forward(const layers::GateInput& input, layers::Routing& routing,
                         layers::Pass& pass) {
  PassCall call(instance_.context(), pass, instance_.layer().layer, CallPhase::kForward);
  call.compute_in_f32();  // routing must not depend on rounding, and it costs next to nothing
  const sy_gate_in in = input_of(input);
  const sy_gate_out out = output_of(routing);
  instance_.call("forward", functions_.forward, call.get(), &in, &out);
  check_expert_index(routing.expert_index);
  call.keep_saved();
}

void PluginGate::backward(const layers::GateInput& input, const layers::Routing& routing,
                          const layers::GateGrad& grad, layers::Pass& pass) {
  PassCall call(instance_.context(), pass, instance_.layer().layer, CallPhase::kBackward);
  call.compute_in_f32();
  const sy_gate_in in = input_of(input);
  const sy_gate_out out = output_of(routing);
  const sy_gate_grad gradients = {.struct_size = sizeof(sy_gate_grad),
                                  .reserved = 0,
                                  .dweights = view_of(grad.grad_gate_weight),
                                  .daux = view_of(grad.grad_aux_loss),
                                  .dx = view_of(grad.grad_x),
                                  .dimportance = view_of(grad.grad_importance),
                                  .dload = view_of(grad.grad_load)};
  instance_.call("backward", functions_.backward, call.get(), &in, &out, &gradients);
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
          .sequence = {},
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
