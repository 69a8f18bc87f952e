#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "layers/block.h"
#include "layers/moe/balance.h"
#include "layers/moe/component_factory.h"
#include "layers/moe/moe_config.h"
#include "ops/moe/plan.h"

namespace switchyard::layers {

/// What a MoE layer did with its last batch, for reports. Valid until the pass's arena is reset.
struct MoeTrace {
  Routing routing;
  ops::moe::RoutingPlan plan;
};

/// A sparsely-gated mixture of experts:  y = sum over i of G(x)_i E_i(x)    (eq. 1)
///
/// The gate chooses K experts per token; only those are computed. Tokens are sorted by expert, each
/// group of experts works on its rows, and the outputs are summed with their gate weights. Experts
/// of different plugins and shapes may stand in one layer; the gate numbers them through. A
/// two-level layer is the same layer with a TwoLevelGate.
///
/// Source: Shazeer et al. 2017, sections 2 and 3.1, appendix B.
class MoeLayer final : public Layer {
 public:
  /// Makes the gate "<name>.gate" (of two levels: the secondary ones "<name>.gate.0", ...) and the
  /// groups "<name>.experts0", "<name>.experts1", ...
  /// Without a gate plugin there must be exactly one expert, which takes every token with weight 1.
  /// Throws Error(kInvalidArgument) for a configuration that makes no sense, and whatever the
  /// factory throws.
  MoeLayer(std::string name, int32_t index, int64_t d_model, const MoeConfig& config,
           ComponentFactory& factory, tensor::ParameterSet& parameters);

  [[nodiscard]] tensor::Tensor forward(const tensor::Tensor& x, const SequenceInfo& sequence,
                                       Pass& pass) override;
  void backward(const tensor::Tensor& grad_y, const SequenceInfo& sequence,
                const tensor::Tensor& grad_x, Pass& pass) override;

  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] double madds_per_token() const override;
  [[nodiscard]] double activation_bytes_per_token() const override;

  [[nodiscard]] bool has_gate() const { return gate_ != nullptr; }
  [[nodiscard]] int64_t num_experts() const { return num_experts_; }
  /// On average, where the gate gives tokens different numbers of experts.
  [[nodiscard]] double experts_per_token() const { return gate_ ? gate_->experts_per_token() : 1; }
  /// Of the last forward(); undefined tensors without a gate.
  [[nodiscard]] const MoeTrace& trace() const { return trace_; }
  /// After the optimizer's step.
  void step_end(Pass& pass);

 private:
  struct PlacedGroup {
    std::unique_ptr<ExpertGroup> experts;
    int64_t first = 0;
    int64_t count = 0;
  };

  void make_gate(const MoeConfig& config, ComponentPlace place, ComponentFactory& factory,
                 tensor::ParameterSet& parameters);
  void make_balance(const BalanceConfig& config);
  [[nodiscard]] Routing take_routing(int64_t tokens, Pass& pass) const;
  [[nodiscard]] ExpertRows rows_of(const PlacedGroup& group, const tensor::Tensor& offsets,
                                   Pass& pass) const;
  [[nodiscard]] tensor::Tensor forward_single(const tensor::Tensor& x, Pass& pass);

  std::string name_;
  int64_t d_model_;
  int64_t num_experts_ = 0;
  std::unique_ptr<Gate> gate_;
  std::optional<Balance> balance_;  // empty where the gate sees to it
  std::vector<PlacedGroup> groups_;
  MoeTrace trace_;
};

}  // namespace switchyard::layers
