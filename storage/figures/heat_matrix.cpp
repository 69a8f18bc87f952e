#include "figures/heat_matrix.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include <fmt/core.h>

namespace switchyard::figures {
namespace {

constexpr float kNothing = std::numeric_limits<float>::quiet_NaN();

/// The half-open range of source cells behind target cell `index` of `count`; never empty.
struct Range {
  int64_t begin;
  int64_t end;
};

Range source_range(int64_t index, int64_t count, int64_t source) {
  const int64_t begin = index * source / count;
  return {begin, std::max(begin + 1, (index + 1) * source / count)};
}

float area_mean(const HeatMatrix& matrix, Range rows, Range columns) {
  double sum = 0.0;
  int64_t count = 0;
  for (int64_t r = rows.begin; r < rows.end; ++r) {
    for (int64_t c = columns.begin; c < columns.end; ++c) {
      const float value = matrix.at(r, c);
      if (!std::isnan(value)) {
        sum += value;
        ++count;
      }
    }
  }
  return count > 0 ? static_cast<float>(sum / static_cast<double>(count)) : kNothing;
}

}  // namespace

HeatMatrix fair_share_matrix(std::span<const float> sums, int64_t num_bins, int64_t num_experts) {
  HeatMatrix matrix;
  matrix.rows = num_bins;
  matrix.columns = static_cast<int64_t>(sums.size()) / num_bins;
  matrix.values.assign(static_cast<size_t>(matrix.rows * matrix.columns), kNothing);
  for (int64_t column = 0; column < matrix.columns; ++column) {
    const float* bins = sums.data() + column * matrix.rows;
    double sum = 0.0;
    for (int64_t bin = 0; bin < matrix.rows; ++bin) {
      sum += bins[bin];
    }
    if (!(sum > 0.0)) {
      continue;
    }
    for (int64_t bin = 0; bin < matrix.rows; ++bin) {
      const int64_t first = bin * num_experts / num_bins;
      const int64_t last = (bin + 1) * num_experts / num_bins;
      const double fair =
          sum * static_cast<double>(last - first) / static_cast<double>(num_experts);
      matrix.values[static_cast<size_t>(bin * matrix.columns + column)] =
          static_cast<float>(bins[bin] / fair);
    }
  }
  return matrix;
}

double share_colour_value(double share) {
  if (std::isnan(share)) {
    return share;
  }
  return share <= 0.0 ? 0.0 : std::clamp((std::log2(share) + 3.0) / 6.0, 0.0, 1.0);
}

HeatMatrix resized(const HeatMatrix& matrix, int64_t rows, int64_t columns) {
  if (matrix.rows <= 0 || matrix.columns <= 0 || rows <= 0 || columns <= 0) {
    throw std::invalid_argument(
        fmt::format("resized: a heat map must have rows and columns, got {} x {} to {} x {}",
                    matrix.rows, matrix.columns, rows, columns));
  }
  HeatMatrix result{rows, columns, {}};
  result.values.reserve(static_cast<size_t>(rows * columns));
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column) {
      result.values.push_back(area_mean(matrix, source_range(row, rows, matrix.rows),
                                        source_range(column, columns, matrix.columns)));
    }
  }
  return result;
}

}  // namespace switchyard::figures
