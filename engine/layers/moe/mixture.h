#pragma once

#include <memory>
#include <string>
#include <vector>

#include "layers/moe/balance.h"
#include "layers/moe/component_factory.h"
#include "layers/moe/moe_config.h"
#include "ops/moe/plan.h"

namespace switchyard::layers {

/// Where a mixture stands in a model, and the width of its rows.
struct MixturePlace {
  std::string name;   // prefix of its parameters
  int32_t index = 0;  // among the mixtures of the model
  int64_t d_in = 0;
  int64_t d_out = 0;
};

/// A sparsely-gated mixture of experts:  y = sum over i of G(x)_i E_i(x)    (eq. 1)
///
/// The gate chooses K experts per row; only those are computed. Rows are sorted by expert, each
/// group of experts works on its own, and the outputs are summed with their gate weights. A mixture
/// may hold experts of different plugins and shapes; the gate numbers them consecutively. Two
/// levels work the same, with a TwoLevelGate. The layer that owns the mixture decides what makes a
/// batch and which balance losses apply.
///
/// Source: Shazeer et al. 2017, sections 2 and 3.1, appendix B.
class Mixture {
 public:
  /// Makes the gate "<name>.gate" (of two levels: the secondary ones "<name>.gate.0", ...) and the
  /// groups "<name>.experts0", "<name>.experts1", ... Without a gate plugin there must be exactly
  /// one expert, which takes every row with weight 1. Throws Error(kInvalidArgument) for an invalid
  /// configuration, and whatever the factory throws.
  Mixture(const MixturePlace& place, const MoeConfig& config, ComponentFactory& factory,
          tensor::ParameterSet& parameters);

  /// y and the routing that led to it, which is undefined without a gate.
  struct Output {
    tensor::Tensor y;  // [T, d_out]
    Routing routing;
    ops::moe::RoutingPlan plan;
  };
  /// input.x [T, d_in]
  [[nodiscard]] Output forward(const GateInput& input, Pass& pass);
  /// Adds to the gradients of gate and experts, and to grad.grad_x [T, d_in].
  ///
  ///   grad_y  [T, d_out]
  ///   grad    gradients requested in addition to the task's; grad_gate_weight is computed here
  void backward(const tensor::Tensor& grad_y, GateGrad grad, Pass& pass);
  /// After the optimizer's step.
  void step_end(Pass& pass);

  [[nodiscard]] bool has_gate() const { return gate_ != nullptr; }
  [[nodiscard]] int64_t d_in() const { return place_.d_in; }
  [[nodiscard]] int64_t top_k() const { return gate_ ? gate_->top_k() : 1; }
  [[nodiscard]] int64_t num_experts() const { return num_experts_; }
  /// The average, if the gate gives rows different numbers of experts.
  [[nodiscard]] double experts_per_row() const { return gate_ ? gate_->experts_per_token() : 1; }
  [[nodiscard]] std::vector<Balance::Costs> costs() const;
  /// Multiply-and-adds of one row's forward pass.
  [[nodiscard]] double madds_per_row() const;
  /// Memory that a training step of `num_rows` rows needs, spread evenly over the experts.
  [[nodiscard]] StepMemory step_memory(int64_t num_rows) const;
  /// The part of it, in bytes, that backward() takes.
  [[nodiscard]] double backward_bytes(int64_t num_rows) const;

 private:
  struct PlacedGroup {
    std::unique_ptr<ExpertGroup> experts;
    int64_t first = 0;
    int64_t count = 0;
  };

  void make_gate(const MoeConfig& config, ComponentPlace place, ComponentFactory& factory,
                 tensor::ParameterSet& parameters);
  [[nodiscard]] tensor::Tensor forward_single(const tensor::Tensor& x, Pass& pass);
  void backward_single(const tensor::Tensor& grad_y, const tensor::Tensor& grad_x, Pass& pass);

  MixturePlace place_;
  int64_t num_experts_ = 0;
  std::unique_ptr<Gate> gate_;
  std::vector<PlacedGroup> groups_;
};

}  // namespace switchyard::layers
