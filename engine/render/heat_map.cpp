#include "render/heat_map.h"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>

namespace switchyard::render {
namespace {

constexpr std::string_view kWeights = " .:-=+*#%@";
constexpr int64_t kMaxImageSide = 8192;

std::string colour_code(figures::Colour colour, bool is_foreground, ColourLevel level) {
  const int target = is_foreground ? 38 : 48;
  if (level == ColourLevel::k256) {
    return fmt::format("{};5;{}", target, figures::palette_index(colour));
  }
  return fmt::format("{};2;{};{};{}", target, colour.red, colour.green, colour.blue);
}

std::string coloured_text(const figures::HeatMatrix& cells, ColourLevel level) {
  std::string text;
  for (int64_t row = 0; row < cells.rows; row += 2) {
    std::string last_code;
    for (int64_t column = 0; column < cells.columns; ++column) {
      const figures::Colour upper =
          figures::perceptual_colour(figures::share_colour_value(cells.at(row, column)));
      std::string code = colour_code(upper, true, level);
      if (row + 1 < cells.rows) {
        const figures::Colour lower =
            figures::perceptual_colour(figures::share_colour_value(cells.at(row + 1, column)));
        code += ";" + colour_code(lower, false, level);
      }
      if (code != last_code) {
        text += fmt::format("\x1b[{}m", code);
        last_code = code;
      }
      text += "▀";
    }
    text += "\x1b[0m\n";
  }
  return text;
}

std::string plain_text(const figures::HeatMatrix& cells) {
  std::string text;
  for (int64_t row = 0; row < cells.rows; ++row) {
    for (int64_t column = 0; column < cells.columns; ++column) {
      const double value = figures::share_colour_value(cells.at(row, column));
      const auto last = static_cast<double>(kWeights.size() - 1);
      text += std::isnan(value) ? '?' : kWeights[static_cast<size_t>(std::lround(value * last))];
    }
    text += '\n';
  }
  return text;
}

}  // namespace

std::string heat_map_text(const figures::HeatMatrix& shares, const Terminal& terminal, int width,
                          int lines) {
  const bool is_coloured = terminal.colour != ColourLevel::kNone && terminal.has_unicode;
  const int64_t rows_per_line = is_coloured ? 2 : 1;
  const int64_t rows = std::min<int64_t>(shares.rows, lines * rows_per_line);
  const int64_t columns = std::min<int64_t>(shares.columns, width);
  const figures::HeatMatrix cells = figures::resized(shares, rows, columns);
  return is_coloured ? coloured_text(cells, terminal.colour) : plain_text(cells);
}

Image heat_map_image(const figures::HeatMatrix& shares, int64_t min_width, int64_t min_height) {
  const int64_t columns = std::min(shares.columns, kMaxImageSide);
  const int64_t rows = std::min(shares.rows, kMaxImageSide);
  const int64_t cell_width = std::max<int64_t>(1, (min_width + columns - 1) / columns);
  const int64_t cell_height = std::max<int64_t>(1, (min_height + rows - 1) / rows);
  const figures::HeatMatrix cells = figures::resized(shares, rows, columns);
  Image image{columns * cell_width, rows * cell_height, {}};
  image.pixels.reserve(static_cast<size_t>(image.width * image.height));
  for (int64_t y = 0; y < image.height; ++y) {
    for (int64_t x = 0; x < image.width; ++x) {
      const float share = cells.at(y / cell_height, x / cell_width);
      image.pixels.push_back(figures::perceptual_colour(figures::share_colour_value(share)));
    }
  }
  return image;
}

}  // namespace switchyard::render
