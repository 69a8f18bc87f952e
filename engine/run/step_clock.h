#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

namespace switchyard::run {

/// How long a step takes, from the monotonic times at which steps ended. Robust: of the last 64
/// steps the fastest and the slowest fifth are left out, so an evaluation or a checkpoint between
/// two steps does not move the estimate.
class StepClock {
 public:
  /// A step ended. Steps must come in order; a step that is not the next one starts anew.
  void tick(int64_t step, int64_t monotonic_ns);

  /// Seconds per step, or a negative number before two steps have ended.
  [[nodiscard]] double seconds_per_step() const;

 private:
  static constexpr size_t kWindow = 64;
  std::deque<int64_t> durations_ns_;
  int64_t last_step_ = -1;
  int64_t last_ns_ = 0;
};

}  // namespace switchyard::run
