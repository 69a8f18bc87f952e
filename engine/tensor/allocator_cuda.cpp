#include "tensor/allocator_cuda.h"

#include <algorithm>
#include <cuda_runtime_api.h>

#include "core/error.h"

namespace switchyard::tensor {

std::shared_ptr<void> CudaAllocator::allocate(int64_t bytes) {
  core::require(bytes >= 0, "CudaAllocator::allocate: bytes must be at least 0, got {}", bytes);
  void* memory = nullptr;
  cudaError_t status = cudaSetDevice(device_index_);
  if (status == cudaSuccess) {
    status = cudaMalloc(&memory, static_cast<size_t>(std::max<int64_t>(bytes, 1)));
  }
  if (status != cudaSuccess) {
    const core::ErrorCode code = status == cudaErrorMemoryAllocation ? core::ErrorCode::kOutOfMemory
                                                                     : core::ErrorCode::kDevice;
    core::fail(code, "allocating {} bytes on CUDA device {}: {}", bytes, device_index_,
               cudaGetErrorString(status));
  }
  return {memory, [](void* taken) { cudaFree(taken); }};
}

}  // namespace switchyard::tensor
