#include "figures/expert_statistics.h"

namespace switchyard::figures {

std::vector<int64_t> starved_experts(std::span<const float> load) {
  constexpr double kStarvedShare = 0.01;
  const double limit = kStarvedShare * mean(load);
  std::vector<int64_t> starved;
  for (size_t expert = 0; expert < load.size(); ++expert) {
    if (load[expert] < limit) {
      starved.push_back(static_cast<int64_t>(expert));
    }
  }
  return starved;
}

}  // namespace switchyard::figures
