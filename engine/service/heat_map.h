#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "service/png_image.h"
#include "service/terminal.h"

namespace switchyard::storage {
struct HeatMap;
}

namespace switchyard::service {

/// Values of experts (rows, the first on top) over time (columns).
struct HeatMatrix {
  int64_t rows = 0;
  int64_t columns = 0;
  std::vector<float> values;  // [rows, columns]

  [[nodiscard]] float at(int64_t row, int64_t column) const {
    return values[static_cast<size_t>(row * columns + column)];
  }
};

enum class ExpertQuantity { kImportance, kLoad };

/// The quantity of every bin of experts as a multiple of a fair share, per column: 1 is what an
/// expert gets when all get the same. NaN where a column holds nothing.
[[nodiscard]] HeatMatrix fair_share_matrix(const storage::HeatMap& map, ExpertQuantity quantity);

/// A share's place on the colour scale: 0 for an eighth of a fair share or less, 0.5 for a fair
/// share, 1 for eight times or more.
[[nodiscard]] double share_colour_value(double share);

/// The matrix with rows x columns cells: areas are averaged (NaN left out) where it shrinks, cells
/// repeated where it grows.
[[nodiscard]] HeatMatrix resized(const HeatMatrix& matrix, int64_t rows, int64_t columns);

/// The matrix of shares as text: coloured half blocks (two rows of cells a line), or letters of
/// rising weight where there is no colour. At most `width` columns and `lines` lines.
[[nodiscard]] std::string heat_map_text(const HeatMatrix& shares, const Terminal& terminal,
                                        int width, int lines);

/// The matrix of shares as a picture with cells of at least one pixel.
[[nodiscard]] Image heat_map_image(const HeatMatrix& shares, int64_t min_width, int64_t min_height);

}  // namespace switchyard::service
