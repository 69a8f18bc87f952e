#pragma once

#include "ops/backend.h"
#include "ops/generic/kernels.h"
#include "tensor/out.h"

namespace switchyard::ops::generic {

// Reductions. Tensors are f32 and may be strided views. Sums run in double and in an order that
// depends on shapes and strides only, so results are the same for any number of threads. All are
// asynchronous on the backend's stream, and throw Error(kInvalidArgument) for shapes, types or
// devices that do not fit. Threads: [inst].

/// y = reduce(x over `axis`) + beta y; y has x's shape without that axis. Axis -1 reduces
/// everything into the one element of y. With beta 0 the old y is not read. Over no elements, sums
/// are 0, the mean is NaN and the maximum is -infinity. NaN propagates.
void reduce(const Backend& backend, Reduction op, const tensor::Tensor& x, int axis, double beta,
            tensor::Out y);

/// y = softmax(x) over the last axis; y may be x. A row of only -infinity gives 0.
void softmax(const Backend& backend, const tensor::Tensor& x, tensor::Out y);

/// dx_i = y_i (dy_i - sum_j y_j dy_j) over the last axis; dx may be y or dy.
void softmax_grad(const Backend& backend, const tensor::Tensor& y, const tensor::Tensor& dy,
                  tensor::Out dx);

/// y [1] += weight CV^2(x), x [n] with n at least 1, both contiguous. CV^2 = Var / Mean^2 with the
/// population variance, but Mean^2 is at least 1e-30, which changes no result but that of x = 0: 0.
/// Source: Shazeer et al. 2017, equation 7.
void squared_variation(const Backend& backend, const tensor::Tensor& x, double weight,
                       tensor::Out y);

/// dx [n] = dy [1] weight dCV^2/dx = dy weight 2 / (n m^2) (x - m - m CV^2), m the mean of x. dx
/// may be x.
void squared_variation_grad(const Backend& backend, const tensor::Tensor& x, double weight,
                            const tensor::Tensor& dy, tensor::Out dx);

/// n += the number of NaN and infinities in x. n is one i32.
void count_nonfinite(const Backend& backend, const tensor::Tensor& x, tensor::Out n);

/// rows[g,i] = mean over j of x[g,i,j]^2 and columns[g,j] = mean over i, in one pass over x, for
/// factored second moments. x [G,P,Q], rows [G,P], columns [G,Q], all contiguous; P and Q at least
/// 1.
void mean_squares(const Backend& backend, const tensor::Tensor& x, tensor::Out rows,
                  tensor::Out columns);

/// sum += the sum of the squares of x, as the global gradient norm needs it. sum [1] f64.
void add_sum_of_squares(const Backend& backend, const tensor::Tensor& x, tensor::Out sum);

}  // namespace switchyard::ops::generic
