#pragma once

#include <cstdint>
#include <figures/heat_matrix.h>
#include <string>

#include "render/png_image.h"
#include "render/terminal.h"

namespace switchyard::render {

/// Draws shares as text of at most `width` columns and `lines` lines: coloured half blocks, two
/// rows of cells per line, or characters of rising weight where there is no colour.
[[nodiscard]] std::string heat_map_text(const figures::HeatMatrix& shares, const Terminal& terminal,
                                        int width, int lines);

/// Draws shares as a picture of at least the given size. Cells are one pixel or larger.
[[nodiscard]] Image heat_map_image(const figures::HeatMatrix& shares, int64_t min_width,
                                   int64_t min_height);

}  // namespace switchyard::render
