#pragma once

#include <memory>
#include <vector>

#include "layers/moe/component_factory.h"
#include "layers/moe/moe_config.h"
#include "ops/moe/two_level.h"

namespace switchyard::layers {

/// A gate made of gates: the primary one chooses K1 of a groups, and in each chosen group that
/// group's own gate chooses K2 of its b experts, for the same row.
///
///   y = sum over i of G_primary(x)_i * sum over j of G_i(x)_j * E_ij(x)          (eq. 12)
///
/// To its caller it is one gate that chooses K1 K2 of a b experts; expert j of group i has the
/// number i b + j. Importance and load are those of eq. 13 and 14 over all experts, so the caller's
/// balance losses (GateGrad::grad_importance, grad_load) reach both levels. The inner gates' own
/// losses on importance and load are off; their other losses are summed into aux_loss.
///
/// Source: Shazeer et al. 2017, appendix B.
class TwoLevelGate final : public Gate {
 public:
  /// Makes the primary gate "<place.name>" and the secondary ones "<place.name>.0", ".1", ...
  /// Throws Error(kInvalidArgument) unless config.groups divides place.num_experts, and whatever
  /// the factory throws, with the level named.
  TwoLevelGate(const ComponentPlace& place, const MoeConfig& config, ComponentFactory& factory,
               tensor::ParameterSet& parameters);

  [[nodiscard]] int64_t top_k() const override;
  [[nodiscard]] double experts_per_token() const override;
  void forward(const GateInput& input, Routing& routing, Pass& pass) override;
  void backward(const GateInput& input, const Routing& routing, const GateGrad& grad,
                Pass& pass) override;
  void step_end(Pass& pass) override;
  [[nodiscard]] double madds_per_row() const override;
  /// Assumes that all groups get equally many rows.
  [[nodiscard]] StepMemory step_memory(int64_t num_rows) const override;

 private:
  /// Kept by forward() for backward().
  struct Levels {
    Routing primary;  // [T, K1], importance and load [a]
    ops::moe::RoutingPlan plan;
    GateInput rows;     // the tokens of each group, one group behind the other: [R, ...]
    Routing secondary;  // [R, K2], importance and load [a, b], aux_loss [a]
  };

  [[nodiscard]] int64_t num_groups() const { return static_cast<int64_t>(secondary_.size()); }
  [[nodiscard]] GateInput gather_rows(const GateInput& input, const ops::moe::RoutingPlan& plan,
                                      Pass& pass) const;
  [[nodiscard]] static GateInput rows_between(const GateInput& rows, ops::moe::RowRange range);
  [[nodiscard]] static Routing routing_between(const Routing& all, int64_t group,
                                               ops::moe::RowRange range);
  [[nodiscard]] static ops::moe::TwoLevelRouting routing_of(const Levels& levels);

  int64_t group_size_ = 0;  // b
  int64_t d_model_ = 0;
  std::unique_ptr<Gate> primary_;
  std::vector<std::unique_ptr<Gate>> secondary_;  // a of them
};

}  // namespace switchyard::layers
