#pragma once

#include "ops/backend.h"
#include "tensor/out.h"

namespace switchyard::ops::generic {

// f32 tensors, which may be strided views. Sums run in double and in an order that depends on
// shapes and strides only. Asynchronous on the backend's stream. Throws Error(kInvalidArgument) for
// shapes, types or devices that do not fit. Threads: [inst].

/// y = softmax(x) over the last axis; y may be x. A row of only -infinity gives 0.
void softmax(const Backend& backend, const tensor::Tensor& x, tensor::Out y);

/// dx_i = y_i (dy_i - sum_j y_j dy_j) over the last axis; dx may be y or dy.
void softmax_grad(const Backend& backend, const tensor::Tensor& y, const tensor::Tensor& dy,
                  tensor::Out dx);

}  // namespace switchyard::ops::generic
