#pragma once

#include <cstdint>
#include <string>

#include "service/heat_matrix.h"
#include "service/png_image.h"
#include "service/terminal.h"

namespace switchyard::service {

/// The matrix of shares as text: coloured half blocks (two rows of cells a line), or letters of
/// rising weight where there is no colour. At most `width` columns and `lines` lines.
[[nodiscard]] std::string heat_map_text(const HeatMatrix& shares, const Terminal& terminal,
                                        int width, int lines);

/// The matrix of shares as a picture with cells of at least one pixel.
[[nodiscard]] Image heat_map_image(const HeatMatrix& shares, int64_t min_width, int64_t min_height);

}  // namespace switchyard::service
