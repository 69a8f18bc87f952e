#include "run/step_clock.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace switchyard::run {

void StepClock::tick(int64_t step, int64_t monotonic_ns) {
  if (last_step_ >= 0 && step == last_step_ + 1) {
    durations_ns_.push_back(monotonic_ns - last_ns_);
    if (durations_ns_.size() > kWindow) {
      durations_ns_.pop_front();
    }
  }
  last_step_ = step;
  last_ns_ = monotonic_ns;
}

double StepClock::seconds_per_step() const {
  if (durations_ns_.empty()) {
    return -1.0;
  }
  std::vector<int64_t> sorted(durations_ns_.begin(), durations_ns_.end());
  std::sort(sorted.begin(), sorted.end());
  const auto cut = static_cast<std::ptrdiff_t>(sorted.size() / 5);
  const double sum = std::accumulate(sorted.begin() + cut, sorted.end() - cut, 0.0);
  return sum / static_cast<double>(static_cast<std::ptrdiff_t>(sorted.size()) - 2 * cut) * 1e-9;
}

}  // namespace switchyard::run
