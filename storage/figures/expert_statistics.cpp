#include "figures/expert_statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace switchyard::figures {
namespace {

constexpr double kStarvedShare = 0.01;

double mean_of(std::span<const float> values) {
  double sum = 0.0;
  for (const float value : values) {
    sum += value;
  }
  return sum / static_cast<double>(values.size());
}

/// Uses the population variance, as the paper's tables do.
double coefficient_of_variation(std::span<const float> values) {
  const double mean = mean_of(values);
  if (mean == 0.0) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  double squares = 0.0;
  for (const float value : values) {
    squares += (value - mean) * (value - mean);
  }
  return std::sqrt(squares / static_cast<double>(values.size())) / mean;
}

}  // namespace

ExpertStatistics expert_statistics(std::span<const float> importance, std::span<const float> load) {
  ExpertStatistics statistics;
  if (importance.empty() || load.empty()) {
    return statistics;
  }
  statistics.cv_importance = coefficient_of_variation(importance);
  statistics.cv_load = coefficient_of_variation(load);
  const double mean = mean_of(load);
  const double top = *std::max_element(load.begin(), load.end());
  statistics.max_over_mean_load = top / mean;
  for (size_t expert = 0; expert < load.size(); ++expert) {
    if (load[expert] < kStarvedShare * mean) {
      statistics.starved.push_back(static_cast<int64_t>(expert));
    }
  }
  return statistics;
}

}  // namespace switchyard::figures
