#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "core/thread_pool.h"

namespace switchyard::tensor {

/// The numbers are DLPack's DLDeviceType.
enum class DeviceType : int32_t { kCpu = 1, kCuda = 2 };

[[nodiscard]] constexpr std::string_view name_of(DeviceType type) {
  return type == DeviceType::kCpu ? "cpu" : "cuda";
}

/// Where work is done, and in which order: on the CPU a pool of threads, on CUDA a stream.
struct Stream {
  DeviceType device = DeviceType::kCpu;
  int32_t device_index = 0;
  core::ThreadPool* threads = nullptr;  // CPU
  void* handle = nullptr;               // cudaStream_t
};

/// Memory of one device. Buffers are aligned to 64 bytes on the CPU and 256 on CUDA.
class Allocator {
 public:
  virtual ~Allocator() = default;
  [[nodiscard]] virtual DeviceType device() const = 0;
  /// Uninitialised memory; never null. Throws Error(kOutOfMemory).
  [[nodiscard]] virtual std::shared_ptr<void> allocate(int64_t bytes) = 0;
};

/// Memory of the host. Large buffers are whole pages, given by the kernel as zeros.
class CpuAllocator final : public Allocator {
 public:
  [[nodiscard]] DeviceType device() const override { return DeviceType::kCpu; }
  [[nodiscard]] std::shared_ptr<void> allocate(int64_t bytes) override;
};

}  // namespace switchyard::tensor
