#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace switchyard::figures {

/// How evenly a layer's experts are used.
struct ExpertStatistics {
  double cv_importance = 0.0;  // standard deviation over mean; NaN where the mean is 0
  double cv_load = 0.0;
  double max_over_mean_load = 0.0;
  std::vector<int64_t> starved;  // experts with less than 1 % of the mean load
};

/// Measures a layer from importance and load of all its experts, [num_experts] each.
[[nodiscard]] ExpertStatistics expert_statistics(std::span<const float> importance,
                                                 std::span<const float> load);

}  // namespace switchyard::figures
