#pragma once

#include <atomic>

namespace switchyard::core {

/// A request to stop, set from any thread or a signal handler and polled between steps.
class CancelToken {
 public:
  void request() noexcept { requested_.store(true, std::memory_order_relaxed); }
  void clear() noexcept { requested_.store(false, std::memory_order_relaxed); }
  [[nodiscard]] bool requested() const noexcept {
    return requested_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<bool> requested_{false};
};

}  // namespace switchyard::core
