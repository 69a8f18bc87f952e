#pragma once

#include <cstdint>

namespace switchyard::optim {

enum class ScheduleKind { kConstant, kInverseSqrt };

/// The learning rate over time: linear warm-up, a plateau, then proportional to 1/sqrt(step).
///
///   kInverseSqrt:  lr(t) = base * min(t / warmup, 1, sqrt((warmup + hold) / t))
///   kConstant:     lr(t) = base * min(t / warmup, 1)
///
/// Then, if decay_steps > 0, times a linear fall to zero over the last decay_steps of total_steps.
/// Source: Shazeer et al. 2017, appendices C.1 (warm-up 1000, hold 0) and E (2000, 8000).
struct Schedule {
  ScheduleKind kind = ScheduleKind::kInverseSqrt;
  double base = 1e-3;
  int64_t warmup_steps = 1000;
  int64_t hold_steps = 0;
  int64_t decay_steps = 0;
  int64_t total_steps = 0;

  /// Throws Error(kInvalidArgument) where a number is out of range.
  void check() const;
  /// step counts from 1.
  [[nodiscard]] double at(int64_t step) const;
};

}  // namespace switchyard::optim
