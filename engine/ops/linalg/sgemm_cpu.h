#pragma once

#include "ops/linalg/kernels.h"

namespace switchyard::ops::linalg {

/// One product on the calling thread alone, by oneDNN. For CPU kernels that are parallel already.
/// Throws Error(kInternal) if oneDNN refuses it.
void sgemm(const GemmDims& n, MatrixView a, MatrixView b, MatrixOut c);

}  // namespace switchyard::ops::linalg
