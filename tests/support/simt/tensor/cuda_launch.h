#pragma once

// Stands in for engine/tensor/cuda_launch.h where a .cu file is compiled by the host compiler: the
// same names, on switchyard::simt. Put tests/support/simt before engine/ in the include path.
#include "core/error.h"
#include "tensor/memory.h"
#include "tests/support/simt/simt.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __shared__ static

#define threadIdx (::switchyard::simt::Machine::current().thread_index())
#define blockIdx (::switchyard::simt::Machine::current().block_index())
#define blockDim (::switchyard::simt::Machine::current().block_size())
#define gridDim (::switchyard::simt::Machine::current().grid_size())
#define __syncthreads() ::switchyard::simt::Machine::current().wait_for_block()
#define __syncwarp() ::switchyard::simt::Machine::current().wait_for_warp()
#define __shfl_xor_sync(lanes, value, mask)        \
  ::switchyard::simt::Machine::current().exchange( \
      value, ::switchyard::simt::Machine::current().lane() ^ static_cast<unsigned>(mask))

struct alignas(16) float4 {
  float x, y, z, w;
};

enum cudaError_t { cudaSuccess = 0 };
inline cudaError_t cudaGetLastError() {
  return cudaSuccess;
}

namespace switchyard::tensor {
inline void check_cuda(cudaError_t, const char*) {
}
}  // namespace switchyard::tensor

#define SWITCHYARD_LAUNCH(kernel, blocks, threads, stream, ...) \
  ((void)(stream),                                              \
   ::switchyard::simt::Machine::current().run((blocks), (threads), [&] { kernel(__VA_ARGS__); }))
