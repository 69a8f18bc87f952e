#include <figures/colour_map.h>

#include <gtest/gtest.h>

namespace switchyard::figures {
namespace {

TEST(ColourMap, RisesEvenlyInLightness) {
  double last = lightness(perceptual_colour(0.0));
  for (int i = 1; i <= 100; ++i) {
    const double now = lightness(perceptual_colour(i / 100.0));
    EXPECT_NEAR(now - last, 0.0081, 0.005) << i;
    last = now;
  }
  EXPECT_NEAR(lightness({255, 255, 255}), 1.0, 1e-3);
  EXPECT_NEAR(lightness({0, 0, 0}), 0.0, 1e-3);
}

TEST(ColourMap, FindsTheNearestColourOfThePalette) {
  EXPECT_EQ(palette_index({255, 0, 0}), 196);
  EXPECT_EQ(palette_index({0, 0, 255}), 21);
  EXPECT_EQ(palette_index({128, 128, 128}), 244);
}

}  // namespace
}  // namespace switchyard::figures
