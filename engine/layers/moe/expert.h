#pragma once

#include "layers/pass.h"
#include "layers/step_memory.h"
#include "ops/moe/expert_rows.h"
#include "tensor/tensor.h"

namespace switchyard::layers {

/// The rows of each expert.
using ops::moe::ExpertRows;

/// A group of experts of one kind and shape. Every expert is a plugin
/// (sdk/include/switchyard/component/expert.h). Threads: [inst].
class ExpertGroup {
 public:
  virtual ~ExpertGroup() = default;

  /// y [rows, d_out] = each expert on its rows of x [rows, d_in].
  virtual void forward(const tensor::Tensor& x, const ExpertRows& rows, const tensor::Tensor& y,
                       Pass& pass) = 0;

  /// Writes grad_x [rows, d_in] and adds to the gradients of the experts' parameters, which may
  /// have been dropped: see layers/gradient.h.
  virtual void backward(const tensor::Tensor& x, const ExpertRows& rows,
                        const tensor::Tensor& grad_y, const tensor::Tensor& grad_x, Pass& pass) = 0;

  /// Multiply-and-adds of one row's forward pass.
  [[nodiscard]] virtual double madds_per_row() const = 0;
  /// Memory that a training step needs if all experts together see `num_rows` rows.
  [[nodiscard]] virtual StepMemory step_memory(int64_t num_rows) const = 0;
};

}  // namespace switchyard::layers
