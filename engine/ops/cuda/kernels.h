#pragma once

#include "ops/moe/kernels.h"

namespace switchyard::ops::cuda {

/// Enter the CUDA kernels into a table. All of them run in the order of their stream and return at
/// once; a kernel that cannot be started throws Error(kDevice).

/// engine/ops/moe/dispatch_cuda.cu: dispatch, dispatch_grad.
void add_dispatch_kernels(moe::Kernels& kernels);
/// engine/ops/moe/combine_cuda.cu: combine, combine_grad.
void add_combine_kernels(moe::Kernels& kernels);

}  // namespace switchyard::ops::cuda
