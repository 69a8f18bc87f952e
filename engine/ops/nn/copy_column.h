#pragma once

#include "ops/backend.h"
#include "tensor/out.h"

namespace switchyard::ops::nn {

/// out[i] = matrix[i, column], of any type.
///
///   matrix  [rows, columns]
///   out     [rows]  contiguous, of the same type
void copy_column(const Backend& backend, const tensor::Tensor& matrix, int64_t column,
                 tensor::Out out);

}  // namespace switchyard::ops::nn
