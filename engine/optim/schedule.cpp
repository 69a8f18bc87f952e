#include "optim/schedule.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace switchyard::optim {

void Schedule::check() const {
  core::require(base > 0.0 && std::isfinite(base),
                "schedule: learning_rate must be positive, got {}", base);
  core::require(
      warmup_steps >= 0 && hold_steps >= 0 && decay_steps >= 0,
      "schedule: warmup_steps, hold_steps and decay_steps must be 0 or more, got {}, {}, {}",
      warmup_steps, hold_steps, decay_steps);
  core::require(decay_steps == 0 || decay_steps <= total_steps,
                "schedule: decay_steps must be at most the number of steps {}, got {}", total_steps,
                decay_steps);
  core::require(plateau_factor > 1.0 && std::isfinite(plateau_factor),
                "schedule: plateau_factor must be greater than 1, got {}", plateau_factor);
}

double Schedule::at(int64_t step, int64_t reductions) const {
  const auto t = static_cast<double>(step);
  double factor = warmup_steps > 0 ? std::min(t / static_cast<double>(warmup_steps), 1.0) : 1.0;
  if (kind == ScheduleKind::kInverseSqrt) {
    const auto knee = static_cast<double>(std::max<int64_t>(warmup_steps + hold_steps, 1));
    factor = std::min(factor, std::sqrt(knee / t));
  }
  if (kind == ScheduleKind::kPlateau) {
    factor *= std::pow(plateau_factor, -static_cast<double>(reductions));
  }
  if (decay_steps > 0) {
    const auto left = static_cast<double>(total_steps - step + 1);
    factor *= std::clamp(left / static_cast<double>(decay_steps), 0.0, 1.0);
  }
  return base * factor;
}

}  // namespace switchyard::optim
