#pragma once

#include "ops/backend.h"
#include "tensor/out.h"

namespace switchyard::ops::generic {

// f32 tensors. Sums run in double and in an order that depends on shapes only. Asynchronous on the
// backend's stream. Throws Error(kInvalidArgument) for shapes, types or devices that do not fit.
// Threads: [inst].

/// y [1] += weight CV^2(x), x [n] with n at least 1, both contiguous. CV^2 = Var / Mean^2 with the
/// population variance, but Mean^2 is at least 1e-30, which changes no result but that of x = 0: 0.
/// Source: Shazeer et al. 2017, equation 7.
void squared_variation(const Backend& backend, const tensor::Tensor& x, double weight,
                       tensor::Out y);

/// dx [n] = dy [1] weight dCV^2/dx = dy weight 2 / (n m^2) (x - m - m CV^2), m the mean of x. dx
/// may be x.
void squared_variation_grad(const Backend& backend, const tensor::Tensor& x, double weight,
                            const tensor::Tensor& dy, tensor::Out dx);

}  // namespace switchyard::ops::generic
