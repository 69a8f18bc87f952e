#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

namespace switchyard::run {

/// Estimates how long a step takes from the monotonic times at which steps ended. The fastest and
/// the slowest fifth of the last 64 steps are left out, so that an evaluation or a checkpoint
/// between two steps does not move the estimate.
class StepClock {
 public:
  /// Reports the end of a step. Steps come in order; after a gap the next duration starts anew.
  void tick(int64_t step, int64_t monotonic_ns);

  /// Seconds per step; negative until two steps have ended.
  [[nodiscard]] double seconds_per_step() const;

 private:
  static constexpr size_t kWindow = 64;
  std::deque<int64_t> durations_ns_;
  int64_t last_step_ = -1;
  int64_t last_ns_ = 0;
};

}  // namespace switchyard::run
