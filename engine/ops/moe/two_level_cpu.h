#pragma once

#include "ops/moe/kernels.h"

namespace switchyard::ops::moe {

/// Kernels::compose and Kernels::compose_grad on the CPU: one group is the work of one thread.
void compose_cpu(const tensor::Stream& stream, const TwoLevelDims& n, const TwoLevelView& levels,
                 int32_t* expert_index, float* gate_weight, float* importance, float* load);
void compose_grad_cpu(const tensor::Stream& stream, const TwoLevelDims& n,
                      const TwoLevelView& levels, const FlatGradView& grad,
                      float* grad_group_weight, float* grad_group_load, float* grad_local_weight,
                      float* grad_local_load);

}  // namespace switchyard::ops::moe
