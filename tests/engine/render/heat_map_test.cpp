#include "render/heat_map.h"

#include <figures/colour_map.h>

#include <gtest/gtest.h>

namespace switchyard::render {
namespace {

const std::vector<float> kLoad = {10, 10, 10, 10, 0, 80, 0, 0, 0, 0, 0, 0};

TEST(HeatMap, IsReadableWithoutColours) {
  const figures::HeatMatrix load = figures::fair_share_matrix(kLoad, 4, 4);
  EXPECT_EQ(heat_map_text(load, Terminal{}, 80, 24),
            "+ ?\n"
            "+%?\n"
            "+ ?\n"
            "+ ?\n");
}

TEST(HeatMap, PutsTwoExpertsIntoOneLineOfColours) {
  Terminal terminal;
  terminal.is_terminal = terminal.has_unicode = true;
  terminal.colour = ColourLevel::k24Bit;
  const figures::HeatMatrix matrix{2, 1, {1.0F, 0.0F}};
  const figures::Colour fair = figures::perceptual_colour(0.5);
  const figures::Colour none = figures::perceptual_colour(0.0);
  const auto rgb = [](figures::Colour c) {
    return std::to_string(c.red) + ";" + std::to_string(c.green) + ";" + std::to_string(c.blue);
  };
  EXPECT_EQ(heat_map_text(matrix, terminal, 80, 24),
            "\x1b[38;2;" + rgb(fair) + ";48;2;" + rgb(none) + "m▀\x1b[0m\n");
  terminal.colour = ColourLevel::k256;
  EXPECT_EQ(heat_map_text(matrix, terminal, 80, 24),
            "\x1b[38;5;" + std::to_string(figures::palette_index(fair)) + ";48;5;" +
                std::to_string(figures::palette_index(none)) + "m▀\x1b[0m\n");
}

TEST(HeatMap, FillsThePictureWithWholeCells) {
  const figures::HeatMatrix matrix{2, 3, {0, 1, 8, 0, 1, 8}};
  const Image image = heat_map_image(matrix, 7, 4);
  EXPECT_EQ(image.width, 9);
  EXPECT_EQ(image.height, 4);
  EXPECT_EQ(image.pixels[0], figures::perceptual_colour(0.0));
  EXPECT_EQ(image.pixels[4], figures::perceptual_colour(0.5));
  EXPECT_EQ(image.pixels[8], figures::perceptual_colour(1.0));
}

}  // namespace
}  // namespace switchyard::render
