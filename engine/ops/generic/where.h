#pragma once

#include "ops/backend.h"
#include "tensor/out.h"

namespace switchyard::ops::generic {

// Elementwise ops. Tensors may be strided views of any number of dimensions; an output may be the
// same tensor as an input, and may not overlap one otherwise. All are asynchronous on the backend's
// stream and throw Error(kInvalidArgument) for shapes, types or devices that do not fit, and
// Error(kUnsupported) if the device has no such kernel. Threads: [inst].

/// y = 0, 1, 2, ... in row-major order. y is f32 or i32.
void iota(const Backend& backend, tensor::Out y);

/// y = condition != 0 ? a : b; the three broadcast to y's shape as in NumPy. `condition` is u8, i32
/// or f32; a, b and y are all f32 or all i32. Elements keep every bit. y may be a or b.
void where(const Backend& backend, const tensor::Tensor& condition, const tensor::Tensor& a,
           const tensor::Tensor& b, tensor::Out y);

}  // namespace switchyard::ops::generic
