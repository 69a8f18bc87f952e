#pragma once

#include "ops/backend.h"
#include "ops/generic/kernels.h"
#include "tensor/out.h"

namespace switchyard::ops::generic {

// Elementwise ops. Tensors may be strided views of any number of dimensions; an output may be the
// same tensor as an input, and may not overlap one otherwise. Tensors are f32 unless stated
// otherwise. All are asynchronous on the backend's stream and throw Error(kInvalidArgument) for
// shapes, types or devices that do not fit, and Error(kUnsupported) if the device has no such
// kernel. Threads: [inst].

/// y = f(x), y of x's shape. On the CPU within 6e-7 of the exact value, relatively.
void unary(const Backend& backend, Unary op, const tensor::Tensor& x, tensor::Out y);

/// y = a op b; a and b broadcast to y's shape as in NumPy. kLt and kGe give 1 or 0; kMax and kMin
/// give NaN if either is NaN. For kAdd and kMul all three may be i32; sums and products are modulo
/// 2^32.
void binary(const Backend& backend, Binary op, const tensor::Tensor& a, const tensor::Tensor& b,
            tensor::Out y);

/// y = activation(x). GELU is x Phi(x), SiLU is x sigmoid(x).
void act(const Backend& backend, Activation kind, const tensor::Tensor& x, tensor::Out y);

/// dx = dy activation'(x), x the activation's input. For kRelu, x may be its output instead.
void act_grad(const Backend& backend, Activation kind, const tensor::Tensor& x,
              const tensor::Tensor& dy, tensor::Out dx);

}  // namespace switchyard::ops::generic
