#pragma once

#include <deque>
#include <span>
#include <vector>

#include <switchyard/component/optimizer.h>

#include "optim/optimizer.h"
#include "plugin_host/instance.h"

namespace switchyard::plugin_host {

/// An optimizer of a plugin. Its state is f32 tensors named "<parameter>/<state>". Errors of the
/// plugin come as core::Error with its status and with component, instance and call named.
class PluginOptimizer final : public optim::Optimizer {
 public:
  explicit PluginOptimizer(InstanceSetup setup);

  /// A component without SY_CAP_GRAD_ROWS knows dense gradients only: parameters that would keep
  /// theirs by row are set to keep it dense.
  void plan(std::span<tensor::Parameter* const> parameters) override;
  void allocate(tensor::Allocator& allocator) override;
  /// Throws Error(kState) before plan() and allocate(), or while a parameter has no memory.
  void step(const optim::OptimizerStep& step) override;
  /// Throws Error(kNotFound) for a parameter that plan() has not seen, Error(kUnsupported) if it
  /// has a state that does not follow the parameter's first axis.
  void step_slice(const optim::OptimizerStep& step, const tensor::ParameterSlice& slice) override;
  [[nodiscard]] std::vector<optim::StateTensor*> state() override;
  [[nodiscard]] std::vector<core::OpaqueState*> opaque_states() override;

 private:
  struct StateCollector;
  /// The part of an item that stays from step to step, for one parameter.
  struct Item {
    tensor::Parameter* parameter = nullptr;
    sy_param_info info{};
    size_t first_state = 0;
    tensor::Tensor grad;  // what item.grad and item.rows view
    tensor::Tensor rows;
    sy_opt_item item{};
  };

  void prepare_items();
  void refresh_items(const optim::OptimizerStep& step);
  void run(const optim::OptimizerStep& step, std::span<const sy_opt_item* const> items);
  void bind_slice_states(const Item& item, int64_t first, int64_t count);

  ComponentInstance instance_;
  const sy_optimizer_vt& functions_;
  std::vector<optim::StateTensor> state_;
  std::deque<Item> items_;
  std::vector<const sy_opt_item*> item_pointers_;
  std::vector<sy_tensor> state_views_;  // as state_
  // Views of one parameter's states for step_slice(); members, to keep their capacity.
  std::vector<tensor::Tensor> slice_states_;
  std::vector<sy_tensor> slice_views_;
  bool is_planned_ = false;
  bool is_allocated_ = false;
};

}  // namespace switchyard::plugin_host
