#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/opaque_state.h"
#include "ops/backend.h"
#include "tensor/arena.h"
#include "tensor/parameter.h"

namespace switchyard::optim {

/// A tensor of an optimizer's state, such as Adam's first moment of one parameter.
struct StateTensor {
  std::string name;  // "lstm1.kernel/m": key in checkpoints
  const tensor::Parameter* parameter = nullptr;
  std::vector<int8_t> dim_map;  // state axis -> parameter axis, or -1
  tensor::Shape shape;
  double init = 0.0;
  tensor::Tensor value;  // defined after allocate()
};

/// The step, and the resources for it, that an update needs to know.
struct OptimizerStep {
  ops::Backend backend;
  tensor::Arena* scratch = nullptr;
  int64_t step = 0;  // from 1
  double learning_rate = 0.0;
  tensor::Tensor grad_scale;  // [1] f32: clipping; every gradient is multiplied by it
};

/// Updates parameters from their gradients. Every optimizer is a plugin
/// (sdk/include/switchyard/component/optimizer.h). Threads: [inst].
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  /// Declares the state for these parameters, which must outlive the optimizer. Called once, before
  /// allocate().
  virtual void plan(std::span<tensor::Parameter* const> parameters) = 0;
  /// Takes memory for the state and fills it with its initial values.
  virtual void allocate(tensor::Allocator& allocator) = 0;
  /// Updates every planned parameter except those that are updated in backward.
  virtual void step(const OptimizerStep& step) = 0;
  /// Updates a range of one parameter's first axis from its gradient, with the state of that range.
  /// Writes to slice.value, which need not be the parameter's own memory.
  virtual void step_slice(const OptimizerStep& step, const tensor::ParameterSlice& slice) = 0;
  /// The state, for checkpoints and for predicting memory. The pointers stay valid.
  [[nodiscard]] virtual std::vector<StateTensor*> state() = 0;
  /// State that it keeps outside of tensors. The pointers stay valid.
  [[nodiscard]] virtual std::vector<core::OpaqueState*> opaque_states() { return {}; }
};

}  // namespace switchyard::optim
