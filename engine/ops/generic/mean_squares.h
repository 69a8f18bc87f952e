#pragma once

#include "ops/backend.h"
#include "tensor/out.h"

namespace switchyard::ops::generic {

// f32 tensors. Sums run in double and in an order that depends on shapes only. Asynchronous on the
// backend's stream. Throws Error(kInvalidArgument) for shapes, types or devices that do not fit.
// Threads: [inst].

/// rows[g,i] = mean over j of x[g,i,j]^2 and columns[g,j] = mean over i, in one pass over x, for
/// factored second moments. x [G,P,Q], rows [G,P], columns [G,Q], all contiguous; P and Q at least
/// 1.
void mean_squares(const Backend& backend, const tensor::Tensor& x, tensor::Out rows,
                  tensor::Out columns);

}  // namespace switchyard::ops::generic
