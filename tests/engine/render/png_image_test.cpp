#include "render/png_image.h"

#include <gtest/gtest.h>
#include <png.h>

#include "core/error.h"
#include "tests/support/temporary_directory.h"

namespace switchyard::render {
namespace {

TEST(PngImage, ReadsBackPixelForPixel) {
  const tests::TemporaryDirectory directory;
  Image image{3, 2, {}};
  for (uint8_t i = 0; i < 6; ++i) {
    image.pixels.push_back({i, static_cast<uint8_t>(40 * i), static_cast<uint8_t>(255 - i)});
  }
  const std::string file = (directory.path() / "a.png").string();
  write_png(image, file);

  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  ASSERT_NE(png_image_begin_read_from_file(&header, file.c_str()), 0);
  EXPECT_EQ(header.width, 3U);
  EXPECT_EQ(header.height, 2U);
  header.format = PNG_FORMAT_RGB;
  std::vector<figures::Colour> pixels(6);
  ASSERT_NE(png_image_finish_read(&header, nullptr, pixels.data(), 0, nullptr), 0);
  EXPECT_EQ(pixels, image.pixels);
}

TEST(PngImage, RefusesWhatIsNoPicture) {
  EXPECT_THROW(write_png(Image{}, "/tmp/never.png"), core::Error);
  EXPECT_THROW(write_png(Image{2, 2, {figures::Colour{}}}, "/tmp/never.png"), core::Error);
}

TEST(PngImage, NamesTheFileThatCannotBeWritten) {
  try {
    write_png(Image{1, 1, {figures::Colour{}}}, "/no/such/place/a.png");
    FAIL() << "no error";
  } catch (const core::Error& error) {
    EXPECT_EQ(error.code(), core::ErrorCode::kIo);
    EXPECT_NE(std::string(error.what()).find("/no/such/place/a.png"), std::string::npos);
  }
}

}  // namespace
}  // namespace switchyard::render
