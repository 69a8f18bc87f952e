// dispatch and dispatch_grad on CUDA: one warp per row, lanes side by side over the features, so
// that a warp reads and writes whole lines.
#include "ops/cuda/warp_rows.h"
#include "ops/moe/kernels.h"
#include "tensor/cuda_launch.h"

namespace switchyard::ops::moe {

namespace {

using cuda::blocks_for_rows;
using cuda::is_aligned_for_float4;
using cuda::kThreadsPerBlock;
using cuda::kWarpSize;
using cuda::lane;
using cuda::warp_row;

// rows[row] = x[row_pair[row] / K]; D counts elements of type Vector.
template <typename Vector>
__global__ void dispatch_rows(int64_t K, int64_t D, const Vector* x, const int32_t* row_pair,
                              const int32_t* num_rows, Vector* rows) {
  const int64_t row = warp_row();
  if (row >= *num_rows) {
    return;
  }
  const Vector* from = x + row_pair[row] / K * D;
  Vector* to = rows + row * D;
  for (int64_t d = lane(); d < D; d += kWarpSize) {
    to[d] = from[d];
  }
}

// grad_x[t] += grad_rows of t's pairs, in the order of the choices.
__global__ void add_rows(RoutingDims n, const float* grad_rows, const int32_t* pair_row,
                         float* grad_x) {
  const int64_t t = warp_row();
  if (t >= n.T) {
    return;
  }
  for (int64_t d = lane(); d < n.D; d += kWarpSize) {
    float sum = grad_x[t * n.D + d];
    for (int64_t k = 0; k < n.K; ++k) {
      const int64_t row = pair_row[t * n.K + k];
      if (row >= 0) {
        sum += grad_rows[row * n.D + d];
      }
    }
    grad_x[t * n.D + d] = sum;
  }
}

void dispatch(const tensor::Stream& stream, const RoutingDims& n, const float* x,
              const int32_t* row_pair, const int32_t* num_rows, float* rows) {
  const unsigned blocks = blocks_for_rows(n.T * n.K);
  if (blocks == 0 || n.D == 0) {
    return;
  }
  if (n.D % 4 == 0 && is_aligned_for_float4(rows) && is_aligned_for_float4(x)) {
    SWITCHYARD_LAUNCH(dispatch_rows, blocks, kThreadsPerBlock, stream, n.K, n.D / 4,
                      reinterpret_cast<const float4*>(x), row_pair, num_rows,
                      reinterpret_cast<float4*>(rows));
  } else {
    SWITCHYARD_LAUNCH(dispatch_rows, blocks, kThreadsPerBlock, stream, n.K, n.D, x, row_pair,
                      num_rows, rows);
  }
  tensor::check_cuda(cudaGetLastError(), "starting dispatch on CUDA");
}

void dispatch_grad(const tensor::Stream& stream, const RoutingDims& n, const float* grad_rows,
                   const int32_t* pair_row, float* grad_x) {
  const unsigned blocks = blocks_for_rows(n.T);
  if (blocks == 0 || n.D == 0) {
    return;
  }
  SWITCHYARD_LAUNCH(add_rows, blocks, kThreadsPerBlock, stream, n, grad_rows, pair_row, grad_x);
  tensor::check_cuda(cudaGetLastError(), "starting dispatch_grad on CUDA");
}

}  // namespace

void add_dispatch_cuda(Kernels& kernels) {
  kernels.dispatch = dispatch;
  kernels.dispatch_grad = dispatch_grad;
}

}  // namespace switchyard::ops::moe
