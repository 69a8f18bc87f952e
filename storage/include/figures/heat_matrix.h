#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace switchyard::figures {

/// Values of experts (rows, the first at the top) over time (columns).
struct HeatMatrix {
  int64_t rows = 0;
  int64_t columns = 0;
  std::vector<float> values;  // [rows, columns]

  [[nodiscard]] float at(int64_t row, int64_t column) const {
    return values[static_cast<size_t>(row * columns + column)];
  }
};

/// Converts sums to multiples of a fair share of their column: 1 means that every expert gets the
/// same. NaN where a column is empty.
///
///   sums  [columns, num_bins]; each bin covers an equal number of neighbouring experts
[[nodiscard]] HeatMatrix fair_share_matrix(std::span<const float> sums, int64_t num_bins,
                                           int64_t num_experts);

/// The position of a share on the colour scale: 0 for an eighth of a fair share or less, 0.5 for a
/// fair share, 1 for eight fair shares or more.
[[nodiscard]] double share_colour_value(double share);

/// Resamples the matrix to rows x columns cells: averages areas, ignoring NaN, where it shrinks and
/// repeats cells where it grows. Throws std::invalid_argument unless all sides are 1 or more.
[[nodiscard]] HeatMatrix resized(const HeatMatrix& matrix, int64_t rows, int64_t columns);

}  // namespace switchyard::figures
