#pragma once

// For the files of the CUDA module only. tests/support/simt has a header of the same path that runs
// the kernels on the CPU, one fiber per CUDA thread.
#include <cuda_runtime.h>
#include <string>

#include "core/error.h"
#include "tensor/memory.h"

namespace switchyard::tensor {

/// Turns a failed CUDA call into Error(kOutOfMemory or kDevice). `doing` says what the engine was
/// doing, in the user's terms.
inline void check_cuda(cudaError_t status, const char* doing) {
  if (status == cudaSuccess) {
    return;
  }
  throw core::Error(status == cudaErrorMemoryAllocation ? core::ErrorCode::kOutOfMemory
                                                        : core::ErrorCode::kDevice,
                    std::string(doing) + ": " + cudaGetErrorString(status));
}

[[nodiscard]] inline cudaStream_t cuda_stream(const Stream& stream) {
  return static_cast<cudaStream_t>(stream.handle);
}

}  // namespace switchyard::tensor

/// Starts a kernel without dynamic shared memory on a tensor::Stream. A function cannot do this:
/// the launch is syntax of nvcc.
#define SWITCHYARD_LAUNCH(kernel, blocks, threads, stream, ...) \
  kernel<<<(blocks), (threads), 0, ::switchyard::tensor::cuda_stream(stream)>>>(__VA_ARGS__)
