#pragma once

#include "tensor/memory.h"

namespace switchyard::tensor {

/// Memory of one CUDA device. Part of the CUDA module. Threads: [any].
class CudaAllocator final : public Allocator {
 public:
  explicit CudaAllocator(int32_t device_index) : device_index_(device_index) {}
  [[nodiscard]] DeviceType device() const override { return DeviceType::kCuda; }
  [[nodiscard]] std::shared_ptr<void> allocate(int64_t bytes) override;

 private:
  int32_t device_index_;
};

}  // namespace switchyard::tensor
