#pragma once

#include "ops/moe/kernels.h"

namespace switchyard::ops::moe {

/// Kernels::group_offsets and Kernels::add_counts on the CPU.
void group_offsets_cpu(const tensor::Stream& stream, int64_t count, const int32_t* offsets,
                       int32_t* counted);
void add_counts_cpu(const tensor::Stream& stream, int64_t count, const int32_t* counts,
                    int32_t* sum);

}  // namespace switchyard::ops::moe
