#include "service/heat_map.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <storage/run_types.h>

#include "core/error.h"

namespace switchyard::service {
namespace {

constexpr std::string_view kWeights = " .:-=+*#%@";
constexpr float kNothing = std::numeric_limits<float>::quiet_NaN();
constexpr int64_t kMaxImageSide = 8192;

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

std::string colour_code(Colour colour, bool is_foreground, ColourLevel level) {
  const std::string head = is_foreground ? "38;" : "48;";
  if (level == ColourLevel::k256) {
    return head + "5;" + std::to_string(palette_index(colour));
  }
  return head + "2;" + std::to_string(colour.red) + ";" + std::to_string(colour.green) + ";" +
         std::to_string(colour.blue);
}

std::string coloured_text(const HeatMatrix& cells, ColourLevel level) {
  std::string text;
  for (int64_t row = 0; row < cells.rows; row += 2) {
    std::string last_code;
    for (int64_t column = 0; column < cells.columns; ++column) {
      const Colour upper = perceptual_colour(share_colour_value(cells.at(row, column)));
      std::string code = colour_code(upper, true, level);
      if (row + 1 < cells.rows) {
        const Colour lower = perceptual_colour(share_colour_value(cells.at(row + 1, column)));
        code += ";" + colour_code(lower, false, level);
      }
      if (code != last_code) {
        text += "\x1b[" + code + "m";
        last_code = code;
      }
      text += "▀";
    }
    text += "\x1b[0m\n";
  }
  return text;
}

std::string plain_text(const HeatMatrix& cells) {
  std::string text;
  for (int64_t row = 0; row < cells.rows; ++row) {
    for (int64_t column = 0; column < cells.columns; ++column) {
      const double value = share_colour_value(cells.at(row, column));
      const auto last = static_cast<double>(kWeights.size() - 1);
      text += std::isnan(value) ? '?' : kWeights[static_cast<size_t>(std::lround(value * last))];
    }
    text += '\n';
  }
  return text;
}

}  // namespace

HeatMatrix fair_share_matrix(const storage::HeatMap& map, ExpertQuantity quantity) {
  const std::vector<float>& source =
      quantity == ExpertQuantity::kImportance ? map.importance : map.load;
  HeatMatrix matrix;
  matrix.rows = map.num_bins;
  matrix.columns = static_cast<int64_t>(map.columns.size());
  matrix.values.assign(static_cast<size_t>(matrix.rows * matrix.columns), kNothing);
  for (int64_t column = 0; column < matrix.columns; ++column) {
    const float* bins = source.data() + column * matrix.rows;
    double sum = 0.0;
    for (int64_t bin = 0; bin < matrix.rows; ++bin) {
      sum += bins[bin];
    }
    if (!(sum > 0.0)) {
      continue;
    }
    for (int64_t bin = 0; bin < matrix.rows; ++bin) {
      const int64_t first = bin * map.num_experts / map.num_bins;
      const int64_t last = (bin + 1) * map.num_experts / map.num_bins;
      const double fair =
          sum * static_cast<double>(last - first) / static_cast<double>(map.num_experts);
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
  core::require(matrix.rows > 0 && matrix.columns > 0 && rows > 0 && columns > 0,
                "resized: a heat map must have rows and columns, got ", matrix.rows, " x ",
                matrix.columns, " to ", rows, " x ", columns);
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

std::string heat_map_text(const HeatMatrix& shares, const Terminal& terminal, int width,
                          int lines) {
  const bool is_coloured = terminal.colour != ColourLevel::kNone && terminal.has_unicode;
  const int64_t rows_per_line = is_coloured ? 2 : 1;
  const int64_t rows = std::min<int64_t>(shares.rows, lines * rows_per_line);
  const int64_t columns = std::min<int64_t>(shares.columns, width);
  const HeatMatrix cells = resized(shares, rows, columns);
  return is_coloured ? coloured_text(cells, terminal.colour) : plain_text(cells);
}

Image heat_map_image(const HeatMatrix& shares, int64_t min_width, int64_t min_height) {
  const int64_t columns = std::min(shares.columns, kMaxImageSide);
  const int64_t rows = std::min(shares.rows, kMaxImageSide);
  const int64_t cell_width = std::max<int64_t>(1, (min_width + columns - 1) / columns);
  const int64_t cell_height = std::max<int64_t>(1, (min_height + rows - 1) / rows);
  const HeatMatrix cells = resized(shares, rows, columns);
  Image image{columns * cell_width, rows * cell_height, {}};
  image.pixels.reserve(static_cast<size_t>(image.width * image.height));
  for (int64_t y = 0; y < image.height; ++y) {
    for (int64_t x = 0; x < image.width; ++x) {
      const float share = cells.at(y / cell_height, x / cell_width);
      image.pixels.push_back(perceptual_colour(share_colour_value(share)));
    }
  }
  return image;
}

}  // namespace switchyard::service
