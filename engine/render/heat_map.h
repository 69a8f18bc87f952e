#pragma once

#include <cstdint>
#include <figures/heat_matrix.h>
#include <string>

#include "render/png_image.h"
#include "render/terminal.h"

namespace switchyard::render {

/// The matrix of shares as text: coloured half blocks (two rows of cells a line), or letters of
/// rising weight where there is no colour. At most `width` columns and `lines` lines.
[[nodiscard]] std::string heat_map_text(const figures::HeatMatrix& shares, const Terminal& terminal,
                                        int width, int lines);

/// The matrix of shares as a picture with cells of at least one pixel.
[[nodiscard]] Image heat_map_image(const figures::HeatMatrix& shares, int64_t min_width,
                                   int64_t min_height);

}  // namespace switchyard::render
