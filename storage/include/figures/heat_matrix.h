#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace switchyard::figures {

/// Values of experts (rows, the first on top) over time (columns).
struct HeatMatrix {
  int64_t rows = 0;
  int64_t columns = 0;
  std::vector<float> values;  // [rows, columns]

  [[nodiscard]] float at(int64_t row, int64_t column) const {
    return values[static_cast<size_t>(row * columns + column)];
  }
};

/// What every bin of experts holds as a multiple of a fair share of its column: 1 is what an expert
/// gets when all get the same. NaN where a column holds nothing.
///
///   sums  [columns, num_bins]; a bin stands for as many neighbouring experts as the others
[[nodiscard]] HeatMatrix fair_share_matrix(std::span<const float> sums, int64_t num_bins,
                                           int64_t num_experts);

/// A share's place on the colour scale: 0 for an eighth of a fair share or less, 0.5 for a fair
/// share, 1 for eight times or more.
[[nodiscard]] double share_colour_value(double share);

/// The matrix with rows x columns cells: areas are averaged (NaN left out) where it shrinks, cells
/// repeated where it grows. Throws std::invalid_argument unless all sides are 1 or more.
[[nodiscard]] HeatMatrix resized(const HeatMatrix& matrix, int64_t rows, int64_t columns);

}  // namespace switchyard::figures
