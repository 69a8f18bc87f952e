#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <ranges>
#include <span>
#include <vector>

namespace switchyard::figures {

// How evenly experts are used. `values` has one number for each expert.

/// NaN where there is no value.
template <std::ranges::sized_range Values>
[[nodiscard]] double mean(const Values& values) {
  double sum = 0.0;
  for (const auto value : values) {
    sum += static_cast<double>(value);
  }
  return sum / static_cast<double>(std::ranges::size(values));
}

/// CV^2 = variance of the population / mean^2. NaN where the mean is 0 or there is no value.
/// Source: Shazeer et al. 2017, equation 7.
template <std::ranges::sized_range Values>
[[nodiscard]] double squared_variation(const Values& values) {
  const double centre = mean(values);
  double squares = 0.0;
  for (const auto value : values) {
    squares += (static_cast<double>(value) - centre) * (static_cast<double>(value) - centre);
  }
  const double square = centre * centre;
  return square == 0.0 ? std::numeric_limits<double>::quiet_NaN()
                       : squares / static_cast<double>(std::ranges::size(values)) / square;
}

/// The root of squared_variation().
template <std::ranges::sized_range Values>
[[nodiscard]] double coefficient_of_variation(const Values& values) {
  return std::sqrt(squared_variation(values));
}

/// 1 where all values are equal, and their number where all but one are 0. NaN where the mean is 0.
/// There must be a value.
template <std::ranges::sized_range Values>
[[nodiscard]] double max_over_mean(const Values& values) {
  return static_cast<double>(*std::ranges::max_element(values)) / mean(values);
}

/// The experts with less than a hundredth of the mean load, in rising order.
[[nodiscard]] std::vector<int64_t> starved_experts(std::span<const float> load);

}  // namespace switchyard::figures
