#pragma once

#include <cstdint>

namespace switchyard::core {

/// The clocks, as a seam for tests. Durations come from monotonic_ns(), dates from utc_ns().
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual int64_t monotonic_ns() const;
  [[nodiscard]] virtual int64_t utc_ns() const;
};

}  // namespace switchyard::core
