#pragma once

#include <switchyard/component/gate.h>

#include "layers/moe/gate.h"
#include "plugin_host/instance.h"

namespace switchyard::plugin_host {

/// A gate of a plugin. If experts choose tokens, the routing shows it as if tokens had chosen:
/// slots of a token in rising order of its experts. Errors of the plugin come as core::Error with
/// its status and with component, instance and call named.
class PluginGate final : public layers::Gate {
 public:
  /// Throws Error if the instance cannot be made, or asks for a layout or a number of slots that
  /// the engine does not have.
  PluginGate(InstanceSetup setup, tensor::ParameterSet& parameters);

  [[nodiscard]] int64_t top_k() const override { return top_k_; }
  [[nodiscard]] double experts_per_token() const override { return experts_per_token_; }
  /// On the CPU, also throws Error(kInvalidArgument) if the plugin gave an expert that is not
  /// there.
  void forward(const layers::GateInput& input, layers::Routing& routing,
               layers::Pass& pass) override;
  void backward(const layers::GateInput& input, const layers::Routing& routing,
                const layers::GateGrad& grad, layers::Pass& pass) override;
  void step_end(layers::Pass& pass) override;
  /// Every trained matrix of a gate multiplies the row once.
  [[nodiscard]] double madds_per_row() const override { return madds_per_row_; }
  /// Measured, see rehearsal.h.
  [[nodiscard]] layers::StepMemory step_memory(int64_t num_rows) const override;

 private:
  /// The choice of experts that choose tokens, and the place of each choice in Routing.
  struct Choice {
    tensor::Tensor token_index;  // [E, C] i32
    tensor::Tensor weight;       // [E, C] f32
    tensor::Tensor slot;         // [E, C] i32
  };

  void read_info();
  [[nodiscard]] sy_gate_in input_of(const layers::GateInput& input) const;
  /// Choices per expert: sy_gate_in.capacity.
  [[nodiscard]] int64_t capacity(int64_t num_tokens, bool is_training) const;
  [[nodiscard]] Choice take_choice(int64_t num_tokens, layers::Pass& pass) const;
  void place(const Choice& choice, const layers::Routing& routing, layers::Pass& pass) const;
  void check_expert_index(const tensor::Tensor& expert_index) const;

  ComponentInstance instance_;
  const sy_gate_vt& functions_;
  int64_t top_k_ = 0;
  double experts_per_token_ = 0.0;
  double madds_per_row_ = 0.0;
  bool experts_choose_ = false;
};

}  // namespace switchyard::plugin_host
