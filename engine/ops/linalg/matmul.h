#pragma once

#include <span>

#include "ops/backend.h"
#include "ops/linalg/kernels.h"
#include "tensor/out.h"

namespace switchyard::ops::linalg {

/// c = alpha op(a) op(b) + beta c
///
///   a, b, c   2-D f32, unit stride in the last axis, any stride from row to row
///
/// With beta 0 the old content of c is not read. Throws Error(kInvalidArgument) if the shapes do
/// not fit together.
void matmul(const Backend& backend, Transpose transpose_a, Transpose transpose_b, double alpha,
            const tensor::Tensor& a, const tensor::Tensor& b, double beta, tensor::Out c);

/// One product per group of consecutive rows; the rows of group g are offsets[g] ... offsets[g +
/// 1].
///
///   kForward      a [N, K], b [G, K, M]  ->  c [N, M]     c_g = alpha a_g b_g   + beta c_g
///   kGradInput    a [N, M], b [G, K, M]  ->  c [N, K]     c_g = alpha a_g b_g^T + beta c_g
///   kGradWeight   a [N, K], b [N, M]     ->  c [G, K, M]  c_g = alpha a_g^T b_g + beta c_g
///   offsets       [G + 1] i32 on the device, ascending; empty groups are allowed
///
/// Weights b [G, K, M] may be bf16, everything else is f32. Rows past the last offset are not
/// written. Throws Error(kInvalidArgument) if the shapes do not fit.
void grouped_matmul(const Backend& backend, GroupedMode mode, const tensor::Tensor& offsets,
                    double alpha, const tensor::Tensor& a, const tensor::Tensor& b, double beta,
                    tensor::Out c);

}  // namespace switchyard::ops::linalg
