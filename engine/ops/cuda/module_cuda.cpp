// The one symbol of libswitchyard_cuda.so. Everything here is called through the table.
#include <cuda_runtime_api.h>
#include <string>

#include "core/error.h"
#include "ops/kernels.h"
#include "tensor/allocator_cuda.h"
#include "tensor/build_id.h"
#include "tensor/cuda_module.h"

namespace switchyard::ops::cuda {

namespace {

using tensor::CudaDevice;
using tensor::CudaModuleTable;

void check(cudaError_t status, const char* doing) {
  if (status != cudaSuccess) {
    core::fail(core::ErrorCode::kDevice, "{}: {}", doing, cudaGetErrorString(status));
  }
}

// Any error means that there is no device: without a driver the call fails and leaves the count
// unchanged.
std::vector<CudaDevice> probe(std::string& reason) {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaErrorInsufficientDriver) {
    reason = "no CUDA device: the driver is not installed, or older than the CUDA runtime";
    return {};
  }
  if (status != cudaSuccess || count <= 0) {
    reason = std::string("no CUDA device: ") +
             (status == cudaSuccess ? "the driver lists none" : cudaGetErrorString(status));
    return {};
  }
  std::vector<CudaDevice> devices;
  for (int index = 0; index < count; ++index) {
    cudaDeviceProp properties{};
    if (cudaGetDeviceProperties(&properties, index) == cudaSuccess) {
      devices.push_back({.index = index,
                         .name = properties.name,
                         .compute_major = properties.major,
                         .compute_minor = properties.minor,
                         .memory_bytes = static_cast<int64_t>(properties.totalGlobalMem)});
    }
  }
  if (devices.empty()) {
    reason = "no CUDA device: the driver lists some, but does not describe them";
  }
  return devices;
}

std::unique_ptr<tensor::Allocator> make_allocator(int32_t device) {
  return std::make_unique<tensor::CudaAllocator>(device);
}

void* open_stream(int32_t device) {
  cudaStream_t stream = nullptr;
  check(cudaSetDevice(device), "choosing a CUDA device");
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "making a CUDA stream");
  return stream;
}

void close_stream(void* handle) {
  cudaStreamDestroy(static_cast<cudaStream_t>(handle));
}

void copy(const tensor::Stream& stream, void* to, const void* from, int64_t bytes) {
  check(cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), cudaMemcpyDefault,
                        static_cast<cudaStream_t>(stream.handle)),
        "copying to or from a CUDA device");
}

void synchronize(const tensor::Stream& stream) {
  check(cudaStreamSynchronize(static_cast<cudaStream_t>(stream.handle)), "waiting for CUDA work");
}

}  // namespace

}  // namespace switchyard::ops::cuda

// The symbol that the engine looks up (tensor::kCudaModuleSymbol).
extern "C" [[gnu::visibility("default")]] const switchyard::tensor::CudaModuleTable*
switchyard_cuda_module_v1() {
  namespace cuda = switchyard::ops::cuda;
  static const switchyard::ops::KernelTable kernels = {
      .linalg = switchyard::ops::linalg::cuda_kernels(),
      .nn = switchyard::ops::nn::cuda_kernels(),
      .moe = switchyard::ops::moe::cuda_kernels(),
      .loss = switchyard::ops::loss::cuda_kernels(),
      .generic = switchyard::ops::generic::cuda_kernels(),
  };
  static const switchyard::tensor::CudaModuleTable table = {
      .build_id = switchyard::tensor::kBuildId,
      .probe = cuda::probe,
      .make_allocator = cuda::make_allocator,
      .open_stream = cuda::open_stream,
      .close_stream = cuda::close_stream,
      .copy = cuda::copy,
      .synchronize = cuda::synchronize,
      .kernels = &kernels,
  };
  return &table;
}
