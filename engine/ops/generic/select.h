#pragma once

#include "ops/backend.h"
#include "ops/generic/kernels.h"
#include "tensor/out.h"

namespace switchyard::ops::generic {

// Ops that choose elements or rows by i32 indices; index -1 stands for nothing. Values are f32 and
// may be strided views. All are asynchronous on the backend's stream and throw
// Error(kInvalidArgument) for shapes, types or devices that do not fit, and on the CPU for an index
// out of range. Results do not depend on the number of threads. Threads: [inst].

/// The k largest of each row of x [T, E] in descending order; ties go to the lower index, NaN comes
/// last. values [T, k], indices i32 [T, k], 0 <= k <= E.
void topk(const Backend& backend, const tensor::Tensor& x, int64_t k, tensor::Out values,
          tensor::Out indices);

/// y[t, j] = x[t, idx[t, j]]; index -1 gives 0. x [T, E], idx [T, k], y [T, k].
void take(const Backend& backend, const tensor::Tensor& x, const tensor::Tensor& idx,
          tensor::Out y);

/// y[t, idx[t, j]] += x[t, j] in ascending order of j; index -1 is skipped. x [T, k], idx [T, k], y
/// [T, E].
void put_add(const Backend& backend, const tensor::Tensor& x, const tensor::Tensor& idx,
             tensor::Out y);

/// y[i, :] = x[rows[i], :]; index -1 gives a row of 0. x [N, d], rows [n], y [n, d]; x and y are
/// f32 or i32.
void gather_rows(const Backend& backend, const tensor::Tensor& x, const tensor::Tensor& rows,
                 tensor::Out y);

/// y[rows[i], :] += x[i, :] in ascending order of i; index -1 is skipped. x [n, d], rows [n], y [N,
/// d].
void scatter_add_rows(const Backend& backend, const tensor::Tensor& x, const tensor::Tensor& rows,
                      tensor::Out y);

/// counts[i] = number of entries of idx equal to i; -1 is ignored. counts f32 or i32 [E].
void bincount(const Backend& backend, const tensor::Tensor& idx, tensor::Out counts);

}  // namespace switchyard::ops::generic
