#include "service/heat_map.h"

#include <cmath>
#include <storage/run_types.h>

#include <gtest/gtest.h>

#include "core/error.h"
#include "service/colour_map.h"
#include "service/expert_statistics.h"

namespace switchyard::service {
namespace {

/// Four experts in two steps; in the third nothing was logged.
storage::HeatMap small_map() {
  storage::HeatMap map;
  map.num_experts = 4;
  map.num_bins = 4;
  map.columns = {{1, 1, 1}, {2, 1, 1}, {3, 1, 0}};
  map.load = {10, 10, 10, 10, 0, 80, 0, 0, 0, 0, 0, 0};
  map.importance = {1, 0, 0, 3, 1, 1, 1, 1, 0, 0, 0, 0};
  return map;
}

TEST(HeatMap, MeasuresInFairShares) {
  const HeatMatrix load = fair_share_matrix(small_map(), ExpertQuantity::kLoad);
  ASSERT_EQ(load.rows, 4);
  ASSERT_EQ(load.columns, 3);
  EXPECT_EQ(load.at(0, 0), 1.0F);
  EXPECT_EQ(load.at(1, 1), 4.0F);
  EXPECT_EQ(load.at(0, 1), 0.0F);
  EXPECT_TRUE(std::isnan(load.at(2, 2)));
  EXPECT_EQ(fair_share_matrix(small_map(), ExpertQuantity::kImportance).at(3, 0), 3.0F);
}

TEST(HeatMap, CountsTheExpertsOfABin) {
  storage::HeatMap map;
  map.num_experts = 3;
  map.num_bins = 2;  // bin 0: expert 0, bin 1: experts 1 and 2
  map.columns = {{1, 1, 1}};
  map.load = {10, 20};
  map.importance = map.load;
  const HeatMatrix load = fair_share_matrix(map, ExpertQuantity::kLoad);
  EXPECT_EQ(load.at(0, 0), 1.0F);
  EXPECT_EQ(load.at(1, 0), 1.0F);
}

TEST(HeatMap, IsReadableWithoutColours) {
  const HeatMatrix load = fair_share_matrix(small_map(), ExpertQuantity::kLoad);
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
  const HeatMatrix matrix{2, 1, {1.0F, 0.0F}};
  const Colour fair = perceptual_colour(0.5);
  const Colour none = perceptual_colour(0.0);
  const auto rgb = [](Colour c) {
    return std::to_string(c.red) + ";" + std::to_string(c.green) + ";" + std::to_string(c.blue);
  };
  EXPECT_EQ(heat_map_text(matrix, terminal, 80, 24),
            "\x1b[38;2;" + rgb(fair) + ";48;2;" + rgb(none) + "m▀\x1b[0m\n");
  terminal.colour = ColourLevel::k256;
  EXPECT_EQ(heat_map_text(matrix, terminal, 80, 24),
            "\x1b[38;5;" + std::to_string(palette_index(fair)) + ";48;5;" +
                std::to_string(palette_index(none)) + "m▀\x1b[0m\n");
}

TEST(HeatMap, AveragesWhereItShrinks) {
  const HeatMatrix matrix{2, 4, {1, 3, 0, NAN, 1, 3, 2, NAN}};
  const HeatMatrix small = resized(matrix, 1, 2);
  EXPECT_EQ(small.values, (std::vector<float>{2.0F, 1.0F}));
  EXPECT_EQ(resized(matrix, 4, 4).at(3, 0), 1.0F);
  EXPECT_THROW((void)resized(HeatMatrix{}, 1, 1), std::invalid_argument);
}

TEST(HeatMap, FillsThePictureWithWholeCells) {
  const HeatMatrix matrix{2, 3, {0, 1, 8, 0, 1, 8}};
  const Image image = heat_map_image(matrix, 7, 4);
  EXPECT_EQ(image.width, 9);
  EXPECT_EQ(image.height, 4);
  EXPECT_EQ(image.pixels[0], perceptual_colour(0.0));
  EXPECT_EQ(image.pixels[4], perceptual_colour(0.5));
  EXPECT_EQ(image.pixels[8], perceptual_colour(1.0));
}

TEST(HeatMap, ScalesSharesByFactorsOfTwo) {
  EXPECT_EQ(share_colour_value(0.0), 0.0);
  EXPECT_DOUBLE_EQ(share_colour_value(0.125), 0.0);
  EXPECT_DOUBLE_EQ(share_colour_value(1.0), 0.5);
  EXPECT_DOUBLE_EQ(share_colour_value(2.0), 0.5 + 1.0 / 6.0);
  EXPECT_DOUBLE_EQ(share_colour_value(100.0), 1.0);
}

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

TEST(ExpertStatistics, AgreeWithNumbersWorkedOutByHand) {
  const std::vector<float> importance = {1, 3, 1, 3};  // mean 2, deviation 1
  const std::vector<float> load = {0, 0, 0, 8};        // mean 2, deviation sqrt(12)
  const ExpertStatistics statistics = expert_statistics(importance, load);
  EXPECT_DOUBLE_EQ(statistics.cv_importance, 0.5);
  EXPECT_DOUBLE_EQ(statistics.cv_load, std::sqrt(3.0));
  EXPECT_DOUBLE_EQ(statistics.max_over_mean_load, 4.0);
  EXPECT_EQ(statistics.starved, (std::vector<int64_t>{0, 1, 2}));
}

}  // namespace
}  // namespace switchyard::service
