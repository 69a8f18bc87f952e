#pragma once

#include "ops/moe/kernels.h"

namespace switchyard::ops::moe {

/// Kernels::plan on the CPU.
void plan_cpu(const tensor::Stream& stream, const RoutingDims& n, const int32_t* expert_index,
              int32_t* offsets, int32_t* row_pair, int32_t* pair_row);

}  // namespace switchyard::ops::moe
