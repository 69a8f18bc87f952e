// combine and combine_grad on CUDA: one warp per token or pair, lanes side by side over the
// features.
#include "ops/cuda/warp_rows.h"
#include "ops/moe/kernels.h"
#include "tensor/cuda_launch.h"

namespace switchyard::ops::moe {

namespace {

using cuda::blocks_for_rows;
using cuda::kAllLanes;
using cuda::kThreadsPerBlock;
using cuda::kWarpSize;
using cuda::lane;
using cuda::warp_row;

// y[t] = sum over k of gate_weight[t, k] * rows[pair_row[t, k]], in the order of k.
__global__ void combine_rows(RoutingDims n, const float* rows, const float* gate_weight,
                             const int32_t* pair_row, float* y) {
  const int64_t t = warp_row();
  if (t >= n.T) {
    return;
  }
  for (int64_t d = lane(); d < n.D; d += kWarpSize) {
    float sum = 0.0F;
    for (int64_t k = 0; k < n.K; ++k) {
      const int64_t row = pair_row[t * n.K + k];
      if (row >= 0) {
        sum += gate_weight[t * n.K + k] * rows[row * n.D + d];
      }
    }
    y[t * n.D + d] = sum;
  }
}

// One warp per pair. The lanes' partial sums are added as a butterfly: a fixed order, and every
// lane has the total.
__global__ void combine_grad_pairs(RoutingDims n, const float* grad_y, const float* rows,
                                   const float* gate_weight, const int32_t* pair_row,
                                   float* grad_rows, float* grad_gate_weight) {
  const int64_t pair = warp_row();
  if (pair >= n.T * n.K) {
    return;
  }
  const int64_t row = pair_row[pair];
  float sum = 0.0F;
  if (row >= 0) {
    const float weight = gate_weight[pair];
    const float* grad = grad_y + pair / n.K * n.D;
    for (int64_t d = lane(); d < n.D; d += kWarpSize) {
      grad_rows[row * n.D + d] = weight * grad[d];
      sum += grad[d] * rows[row * n.D + d];
    }
  }
  for (int step = kWarpSize / 2; step > 0; step /= 2) {
    sum += __shfl_xor_sync(kAllLanes, sum, step);
  }
  if (lane() == 0) {
    grad_gate_weight[pair] = sum;
  }
}

void combine(const tensor::Stream& stream, const RoutingDims& n, const float* rows,
             const float* gate_weight, const int32_t* pair_row, float* y) {
  const unsigned blocks = blocks_for_rows(n.T);
  if (blocks == 0 || n.D == 0) {
    return;
  }
  SWITCHYARD_LAUNCH(combine_rows, blocks, kThreadsPerBlock, stream, n, rows, gate_weight, pair_row,
                    y);
  tensor::check_cuda(cudaGetLastError(), "starting combine on CUDA");
}

void combine_grad(const tensor::Stream& stream, const RoutingDims& n, const float* grad_y,
                  const float* rows, const float* gate_weight, const int32_t* pair_row,
                  float* grad_rows, float* grad_gate_weight) {
  const unsigned blocks = blocks_for_rows(n.T * n.K);
  if (blocks == 0) {
    return;
  }
  SWITCHYARD_LAUNCH(combine_grad_pairs, blocks, kThreadsPerBlock, stream, n, grad_y, rows,
                    gate_weight, pair_row, grad_rows, grad_gate_weight);
  tensor::check_cuda(cudaGetLastError(), "starting combine_grad on CUDA");
}

}  // namespace

void add_combine_cuda(Kernels& kernels) {
  kernels.combine = combine;
  kernels.combine_grad = combine_grad;
}

}  // namespace switchyard::ops::moe
