#pragma once

#include "ops/linalg/kernels.h"

namespace switchyard::ops::linalg {

// Products by oneDNN on the calling thread alone. Throw Error(kInternal) if it refuses one.

/// See Multiplier::gemm.
void onednn_gemm(const GemmDims& n, MatrixView a, MatrixView b, MatrixOut c);

/// The same with factors in bf16; uses AMX where the CPU has it.
void onednn_gemm(const GemmDims& n, Bf16View a, Bf16View b, MatrixOut c);

}  // namespace switchyard::ops::linalg
