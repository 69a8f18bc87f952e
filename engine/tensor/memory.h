#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "core/thread_pool.h"

namespace switchyard::tensor {

/// Kind of device. The values are those of DLPack's DLDeviceType.
enum class DeviceType : int32_t { kCpu = 1, kCuda = 2 };

[[nodiscard]] constexpr std::string_view name_of(DeviceType type) {
  return type == DeviceType::kCpu ? "cpu" : "cuda";
}

/// Where work runs and in which order: a pool of threads on the CPU, a stream on CUDA.
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

/// Host memory. Large buffers are whole pages, which the kernel has zeroed.
class CpuAllocator final : public Allocator {
 public:
  [[nodiscard]] DeviceType device() const override { return DeviceType::kCpu; }
  [[nodiscard]] std::shared_ptr<void> allocate(int64_t bytes) override;
};

}  // namespace switchyard::tensor
