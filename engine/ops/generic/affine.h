#pragma once

#include "ops/backend.h"
#include "tensor/out.h"

namespace switchyard::ops::generic {

// Elementwise ops. Tensors may be strided views of any number of dimensions; an output may be the
// same tensor as an input, and may not overlap one otherwise. All are asynchronous on the backend's
// stream and throw Error(kInvalidArgument) for shapes, types or devices that do not fit, and
// Error(kUnsupported) if the device has no such kernel. Threads: [inst].

/// y = mul x + add, y of x's shape. Each is f32, i32 or bf16; x may be u8 too. To bf16 it rounds to
/// nearest even; to i32 it rounds toward zero, clamps to the range, and makes NaN 0.
void affine(const Backend& backend, const tensor::Tensor& x, double mul, double add, tensor::Out y);

/// y = x, with the conversions of affine(). Without a conversion, every bit is kept.
void copy(const Backend& backend, const tensor::Tensor& x, tensor::Out y);

/// y = value. y is f32, i32 or bf16.
void fill(const Backend& backend, double value, tensor::Out y);

}  // namespace switchyard::ops::generic
