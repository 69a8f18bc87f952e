#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "optim/optimizer.h"
#include "optim/parameter_selection.h"

namespace switchyard::optim {

/// Parameters with an optimizer of their own.
struct OptimizerGroup {
  ParameterSelection selection;
  std::unique_ptr<Optimizer> optimizer;
  double learning_rate_scale = 1.0;  // times the step's learning rate
  std::string where;                 // for messages: "optimizer.groups[0] (demo.toml:40)"
};

/// One optimizer made of several: each parameter belongs to the first group that selects it, or
/// else to `rest`. State tensors keep the names that their optimizers give them, so a checkpoint
/// does not depend on the grouping. Threads: [inst].
class GroupedOptimizer final : public Optimizer {
 public:
  GroupedOptimizer(std::vector<OptimizerGroup> groups, std::unique_ptr<Optimizer> rest);

  /// Throws Error(kInvalidArgument) if a group gets no parameter.
  void plan(std::span<tensor::Parameter* const> parameters) override;
  void allocate(tensor::Allocator& allocator) override;
  void step(const OptimizerStep& step) override;
  /// Throws Error(kNotFound) if plan() has not seen the parameter.
  void step_slice(const OptimizerStep& step, const tensor::ParameterSlice& slice) override;
  /// Those of the groups in their order, then those of the rest.
  [[nodiscard]] std::vector<StateTensor*> state() override;
  [[nodiscard]] std::vector<core::OpaqueState*> opaque_states() override;

 private:
  std::vector<OptimizerGroup> groups_;  // the last one takes the rest
  std::map<const tensor::Parameter*, size_t> group_of_;
};

}  // namespace switchyard::optim
