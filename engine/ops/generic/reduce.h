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

/// n += the number of NaN and infinities in x. n is one i32.
void count_nonfinite(const Backend& backend, const tensor::Tensor& x, tensor::Out n);

/// sum += the sum of the squares of x, as the global gradient norm needs it. sum [1] f64.
void add_sum_of_squares(const Backend& backend, const tensor::Tensor& x, tensor::Out sum);

}  // namespace switchyard::ops::generic
