#pragma once

#include "optim/optimizer.h"
#include "tensor/parameter.h"

namespace switchyard::trainer {

/// Lets an optimizer update slices of parameters while backward runs. f32 values are updated in
/// place; bf16 values are stored with stochastic rounding, which depends on seed and step alone.
/// Threads: [inst].
class BackwardUpdater final : public tensor::SliceUpdater {
 public:
  /// The optimizer must outlive this object.
  BackwardUpdater(optim::Optimizer& optimizer, uint64_t seed)
      : optimizer_(optimizer), seed_(seed) {}

  /// Sets the step of the updates that follow.
  void begin(const optim::OptimizerStep& step) { step_ = step; }
  /// Throws Error(kNumeric), naming parameter and expert, if the gradient is not finite; the slice
  /// is then unchanged.
  void update(const tensor::ParameterSlice& slice) override;

 private:
  [[nodiscard]] bool is_finite(const tensor::Tensor& grad) const;

  optim::Optimizer& optimizer_;
  uint64_t seed_;
  optim::OptimizerStep step_;
};

}  // namespace switchyard::trainer
