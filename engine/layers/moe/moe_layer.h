#pragma once

#include <optional>
#include <string>

#include "layers/layer.h"
#include "layers/moe/mixture.h"
#include "layers/moe/routed.h"

namespace switchyard::layers {

/// A mixture of experts over all tokens of a batch at once, with the balance losses of its
/// configuration.
///
/// Source: Shazeer et al. 2017, sections 2, 3.1 and 4.
class MoeLayer final : public Layer, public Routed {
 public:
  /// Makes a Mixture, and throws what its constructor throws.
  MoeLayer(std::string name, int32_t index, int64_t d_model, const MoeConfig& config,
           ComponentFactory& factory, tensor::ParameterSet& parameters);

  [[nodiscard]] tensor::Tensor forward(const tensor::Tensor& x, const SequenceInfo& sequence,
                                       Pass& pass) override;
  void backward(const tensor::Tensor& grad_y, const SequenceInfo& sequence,
                const tensor::Tensor& grad_x, Pass& pass) override;

  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] double madds_per_token() const override { return mixture_.madds_per_row(); }
  [[nodiscard]] StepMemory step_memory(int64_t num_streams, int64_t num_steps) const override {
    return mixture_.step_memory(num_streams * num_steps);
  }

  [[nodiscard]] bool has_gate() const override { return mixture_.has_gate(); }
  [[nodiscard]] int64_t num_experts() const override { return mixture_.num_experts(); }
  [[nodiscard]] double experts_per_token() const override { return mixture_.experts_per_row(); }
  void step_end(Pass& pass) override { mixture_.step_end(pass); }

 private:
  std::string name_;
  Mixture mixture_;
  std::optional<Balance> balance_;  // empty if the gate computes the balance losses
};

}  // namespace switchyard::layers
