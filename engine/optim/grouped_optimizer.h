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
/// else to `rest`. A state tensor is named as its own optimizer names it, so a checkpoint does not
/// tell how parameters were grouped. Threads: [inst].
class GroupedOptimizer final : public Optimizer {
 public:
  GroupedOptimizer(std::vector<OptimizerGroup> groups, std::unique_ptr<Optimizer> rest);

  /// Throws Error(kInvalidArgument) for a group that gets no parameter.
  void plan(std::span<tensor::Parameter* const> parameters) override;
  void allocate(tensor::Allocator& allocator) override;
  void step(const OptimizerStep& step) override;
  /// Throws Error(kNotFound) for a parameter that plan() has not seen.
  void step_slice(const OptimizerStep& step, const tensor::ParameterSlice& slice) override;
  /// Of the groups in their order, then of the rest.
  [[nodiscard]] std::vector<StateTensor*> state() override;
  [[nodiscard]] std::vector<core::OpaqueState*> opaque_states() override;

 private:
  std::vector<OptimizerGroup> groups_;  // the last one takes the rest
  std::map<const tensor::Parameter*, size_t> group_of_;
};

}  // namespace switchyard::optim
