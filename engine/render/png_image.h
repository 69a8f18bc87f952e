#pragma once

#include <cstdint>
#include <figures/colour_map.h>
#include <filesystem>
#include <vector>

namespace switchyard::render {

/// A picture, stored row by row from the top.
struct Image {
  int64_t width = 0;
  int64_t height = 0;
  std::vector<figures::Colour> pixels;  // [height, width]
};

/// Writes the picture as an 8-bit RGB PNG. Throws Error(kIo) if the file cannot be written,
/// Error(kInvalidArgument) if the picture is empty or a side exceeds 2^20.
void write_png(const Image& image, const std::filesystem::path& file);

}  // namespace switchyard::render
