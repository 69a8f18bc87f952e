#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "layers/moe/component_factory.h"
#include "tests/support/plugin_test_host.h"

namespace switchyard::tests {

/// A gate plugin under the test host, behind the engine's interface, so that its noise can be
/// given. Its parameters lie in the host, not in the engine's ParameterSet.
class HostedGate final : public layers::Gate {
 public:
  HostedGate(const core::ComponentConfig& config, const layers::ComponentPlace& place)
      : host("gate_" + config.plugin), experts_(place.num_experts) {
    sy_layer_info layer = test::PluginTestHost::layer(place.d_in, place.d_out, place.num_experts);
    layer.balance = place.balanced_by_caller ? SY_BALANCE_HOST : SY_BALANCE_GATE;
    test::TestConfig settings = host.config();
    for (const auto& [key, value] : config.values) {
      settings.set(key, std::holds_alternative<double>(value)
                            ? std::get<double>(value)
                            : static_cast<double>(std::get<int64_t>(value)));
    }
    host.create(layer, settings);
    top_k_ = host.gate_info().k_max;
  }

  test::PluginTestHost host;
  /// [tokens, experts] by token id; empty: the host draws it.
  std::vector<double> noise_of_token;
  /// The sequences of the last forward's rows; empty: not known.
  std::vector<int32_t> sequence;

  [[nodiscard]] int64_t top_k() const override { return top_k_; }
  void forward(const layers::GateInput& input, layers::Routing& routing,
               layers::Pass& /*pass*/) override {
    host.noise.clear();
    sequence =
        input.sequence.defined() ? input.sequence.to_vector<int32_t>() : std::vector<int32_t>();
    for (int64_t row = 0; row < input.x.size(0) && !noise_of_token.empty(); ++row) {
      const auto* noise = noise_of_token.data() + input.token_ids.data<int32_t>()[row] * experts_;
      host.noise.insert(host.noise.end(), noise, noise + experts_);
    }
    host.gate_forward(in(input), out(routing));
  }
  void backward(const layers::GateInput& input, const layers::Routing& routing,
                const layers::GateGrad& grad, layers::Pass& /*pass*/) override {
    host.gate_backward(in(input), out(routing),
                       {.struct_size = sizeof(sy_gate_grad),
                        .dweights = view(grad.grad_gate_weight),
                        .daux = view(grad.grad_aux_loss),
                        .dx = view(grad.grad_x),
                        .dimportance = view(grad.grad_importance),
                        .dload = view(grad.grad_load)});
  }
  void step_end(layers::Pass& /*pass*/) override {}
  [[nodiscard]] double madds_per_row() const override { return 0.0; }
  [[nodiscard]] layers::StepMemory step_memory(int64_t /*num_rows*/) const override { return {}; }

 private:
  static sy_tensor view(const tensor::Tensor& t) {
    if (!t.defined()) {
      return {};
    }
    const sy_dtype f32 = {SY_FLOAT, 32, 1};
    const sy_dtype i32 = {SY_INT, 32, 1};
    const sy_dtype u8 = {SY_UINT, 8, 1};
    return {.data = t.raw(),
            .device_type = SY_CPU,
            .ndim = t.dim(),
            .dtype = t.dtype() == tensor::DType::kF32   ? f32
                     : t.dtype() == tensor::DType::kI32 ? i32
                                                        : u8,
            .shape = t.shape().data(),
            .strides = t.strides()};
  }
  [[nodiscard]] sy_gate_in in(const layers::GateInput& input) const {
    return {.struct_size = sizeof(sy_gate_in),
            .n_experts = static_cast<int32_t>(experts_),
            .x = view(input.x),
            .mask = view(input.mask),
            .token_ids = view(input.token_ids),
            .sequence = view(input.sequence)};
  }
  static sy_gate_out out(const layers::Routing& routing) {
    return {.struct_size = sizeof(sy_gate_out),
            .ids = view(routing.expert_index),
            .weights = view(routing.gate_weight),
            .importance = view(routing.importance),
            .load = view(routing.load),
            .aux_loss = view(routing.aux_loss)};
  }

  int64_t experts_;
  int64_t top_k_ = 0;
};

/// Makes HostedGates and remembers them by name.
class HostedFactory final : public layers::ComponentFactory {
 public:
  std::map<std::string, HostedGate*> gates;

  std::unique_ptr<layers::Gate> make_gate(const core::ComponentConfig& config,
                                          const layers::ComponentPlace& place,
                                          tensor::ParameterSet& /*parameters*/) override {
    auto gate = std::make_unique<HostedGate>(config, place);
    gates[place.name] = gate.get();
    return gate;
  }
  std::unique_ptr<layers::ExpertGroup> make_experts(const core::ComponentConfig& /*config*/,
                                                    const layers::ComponentPlace& /*place*/,
                                                    tensor::ParameterSet& /*parameters*/) override {
    core::fail(core::ErrorCode::kInternal, "HostedFactory makes gates only");
  }

  /// Fills a parameter of a gate.
  void set(const std::string& gate, const std::string& parameter,
           const std::vector<double>& values) {
    std::copy(values.begin(), values.end(), gates.at(gate)->host.parameter(parameter).value.f32());
  }
  [[nodiscard]] std::vector<double> grad(const std::string& gate, const std::string& parameter) {
    return gates.at(gate)->host.parameter(parameter).grad.values();
  }
};

}  // namespace switchyard::tests
