#include "core/clock.h"

#include <chrono>

namespace switchyard::core {

namespace {

template <typename Source>
int64_t now_ns() {
  const auto since_epoch = Source::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch).count();
}

}  // namespace

int64_t Clock::monotonic_ns() const {
  return now_ns<std::chrono::steady_clock>();
}

int64_t Clock::utc_ns() const {
  return now_ns<std::chrono::system_clock>();
}

}  // namespace switchyard::core
