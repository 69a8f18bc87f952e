#pragma once

#include <cstdint>

namespace switchyard::optim {

/// The course of the learning rate after the warm-up; see Schedule.
enum class ScheduleKind { kConstant, kInverseSqrt, kPlateau };

/// The learning rate over time: linear warm-up, a plateau, then proportional to 1/sqrt(step), or
/// reduced each time an evaluation does not improve on the best so far.
///
///   kInverseSqrt:  lr(t) = base * min(t / warmup, 1, sqrt((warmup + hold) / t))
///   kConstant:     lr(t) = base * min(t / warmup, 1)
///   kPlateau:      lr(t) = base * min(t / warmup, 1) / plateau_factor^(evaluations without gain)
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
  double plateau_factor = 4.0;

  /// Throws Error(kInvalidArgument) if a number is out of range.
  void check() const;
  /// step counts from 1; reductions: how many evaluations so far were no better (kPlateau).
  [[nodiscard]] double at(int64_t step, int64_t reductions = 0) const;
};

}  // namespace switchyard::optim
