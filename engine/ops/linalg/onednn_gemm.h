#pragma once

#include "ops/linalg/kernels.h"

namespace switchyard::ops::linalg {

// Products by oneDNN on the calling thread alone. Throw Error(kInternal) if it refuses one.

/// See Multiplier::gemm.
void onednn_gemm(const GemmDims& n, MatrixView a, MatrixView b, MatrixOut c);

/// A dense row-major matrix of bf16, as its bits.
struct Bf16View {
  const uint16_t* data = nullptr;
  int64_t stride = 0;
};

/// The same of factors in bf16; by AMX where the CPU has it.
void onednn_gemm(const GemmDims& n, Bf16View a, Bf16View b, MatrixOut c);

}  // namespace switchyard::ops::linalg
