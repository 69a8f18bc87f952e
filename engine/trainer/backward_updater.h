#pragma once

#include "optim/optimizer.h"
#include "tensor/parameter.h"

namespace switchyard::trainer {

/// Lets an optimizer update slices of parameters while backward runs, and stores them: f32 where
/// they lie, bf16 by stochastic rounding. The same seed and step round the same way. Threads:
/// [inst].
class BackwardUpdater final : public tensor::SliceUpdater {
 public:
  /// The optimizer must outlive this object.
  BackwardUpdater(optim::Optimizer& optimizer, uint64_t seed)
      : optimizer_(optimizer), seed_(seed) {}

  /// The circumstances of the updates to come.
  void begin(const optim::OptimizerStep& step) { step_ = step; }
  /// Throws Error(kNumeric), naming parameter and expert, if the gradient is not finite; nothing of
  /// this slice has changed then.
  void update(const tensor::ParameterSlice& slice) override;

 private:
  [[nodiscard]] bool is_finite(const tensor::Tensor& grad) const;

  optim::Optimizer& optimizer_;
  uint64_t seed_;
  optim::OptimizerStep step_;
};

}  // namespace switchyard::trainer
