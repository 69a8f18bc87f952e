#include "render/png_image.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include <png.h>

#include "core/error.h"

namespace switchyard::render {
namespace {

constexpr int64_t kMaxSide = int64_t{1} << 20;

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

[[noreturn]] void fail_png(const std::filesystem::path& file, const std::string& why) {
  core::fail(core::ErrorCode::kIo, "cannot write the picture {}: {}", file.string(), why);
}

}  // namespace

void write_png(const Image& image, const std::filesystem::path& file) {
  const bool has_size =
      image.width > 0 && image.height > 0 && image.width <= kMaxSide && image.height <= kMaxSide;
  core::require(has_size, "write_png: width and height must lie between 1 and {}, got {} x {}",
                kMaxSide, image.width, image.height);
  core::require(static_cast<int64_t>(image.pixels.size()) == image.width * image.height,
                "write_png: there must be width * height pixels, got {}", image.pixels.size());
  static_assert(sizeof(figures::Colour) == 3, "a row of colours is a row of RGB bytes");
  const std::unique_ptr<std::FILE, FileCloser> stream(std::fopen(file.c_str(), "wb"));
  if (!stream) {
    fail_png(file, std::strerror(errno));
  }
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  header.width = static_cast<png_uint_32>(image.width);
  header.height = static_cast<png_uint_32>(image.height);
  header.format = PNG_FORMAT_RGB;
  if (png_image_write_to_stdio(&header, stream.get(), 0, image.pixels.data(), 0, nullptr) == 0) {
    fail_png(file, header.message);
  }
  if (std::fflush(stream.get()) != 0) {
    fail_png(file, std::strerror(errno));
  }
}

}  // namespace switchyard::render
