#pragma once

#include <cstdint>
#include <memory>

#include "tensor/memory.h"

namespace switchyard::ops::linalg {

/// Memory that a thread keeps between products: it grows to the size of the largest one and stays.
/// Threads: [inst].
class ThreadBuffer {
 public:
  /// At least `count` values, aligned to 64 bytes. Growing loses the old content.
  template <typename T>
  [[nodiscard]] T* at_least(int64_t count) {
    const int64_t bytes = count * static_cast<int64_t>(sizeof(T));
    if (bytes_ < bytes) {
      memory_.reset();
      memory_ = tensor::CpuAllocator().allocate(bytes);
      bytes_ = bytes;
    }
    return static_cast<T*>(memory_.get());
  }

 private:
  std::shared_ptr<void> memory_;
  int64_t bytes_ = 0;
};

}  // namespace switchyard::ops::linalg
