// SPDX-License-Identifier: Apache-2.0
// Derive from sy::Optimizer to write an optimizer. The contract:
// <switchyard/component/optimizer.h>.
#pragma once

#include <switchyard/component.hpp>
#include <switchyard/component/optimizer.h>

namespace sy {

/// Where plan() declares the state of one parameter.
class StateBuilder {
 public:
  StateBuilder(const sy_param_info& parameter, const sy_state_builder& builder) noexcept
      : parameter_(parameter), builder_(builder) {}

  /// A state tensor of the parameter's own shape. [load]
  void like_parameter(const char* name, double init = 0.0) const {
    int8_t same[SY_MAX_DIMS];
    for (int32_t i = 0; i < SY_MAX_DIMS; ++i) {
      same[i] = static_cast<int8_t>(i);
    }
    add(name, parameter_.ndim, same, init);
  }
  /// A state tensor whose dimension i follows the parameter's dimension dim_map[i], or has size 1
  /// where that is -1. [load]
  void add(const char* name, int32_t ndim, const int8_t* dim_map, double init = 0.0) const {
    HostError error;
    error.check(builder_.state(&builder_, name, kF32, ndim, dim_map, init, error.get()));
  }
  /// How the state may be cut over ranks: SY_SHARD_*. [load]
  void sharding(uint32_t need) const { builder_.sharding(&builder_, need); }

 private:
  const sy_param_info& parameter_;
  const sy_state_builder& builder_;
};

/// The weight decay of one item: none where the parameter asks for none, the host's own value where
/// it gives one, else the component's.
[[nodiscard]] inline double weight_decay(const sy_opt_item& item, double configured) noexcept {
  if (item.info && (item.info->flags & SY_PF_NO_DECAY) != 0) {
    return 0.0;
  }
  return item.weight_decay > 0.0 ? item.weight_decay : configured;
}

/// The rows of the parameter that have a gradient in this step, or null where all have one.
[[nodiscard]] inline const sy_tensor* gradient_rows(const sy_opt_item& item) noexcept {
  const bool knows_rows = item.struct_size >= offsetof(sy_opt_item, rows) + sizeof(item.rows);
  return knows_rows && item.rows.ndim > 0 ? &item.rows : nullptr;
}

class Optimizer : public Component {
 public:
  static constexpr uint32_t kKind = SY_KIND_OPTIMIZER;

  /// Declares the state of one parameter. [load]
  virtual void plan(const sy_param_info& parameter, const StateBuilder& state) = 0;
  /// Updates every item. [inst]
  virtual void step(Call& call, const sy_opt_step& step) = 0;
};

namespace detail {

template <typename O>
struct OptimizerGlue {
  static sy_status plan(sy_instance* i, const sy_param_info* parameter,
                        const sy_state_builder* builder, sy_error* error) {
    return guard(error,
                 [&] { from<O>(i).object.plan(*parameter, StateBuilder(*parameter, *builder)); });
  }
  static sy_status step(sy_instance* i, const sy_call* c, const sy_opt_step* step,
                        sy_error* error) {
    return guard(error, [&] {
      Call call(*c, from<O>(i).services);
      from<O>(i).object.step(call, *step);
    });
  }

  static constexpr sy_optimizer_vt kFunctions{sizeof(sy_optimizer_vt), 0, plan, step};
  static constexpr sy_component kComponent = describe<O>(SY_KIND_OPTIMIZER, &kFunctions);
};

}  // namespace detail
}  // namespace sy
