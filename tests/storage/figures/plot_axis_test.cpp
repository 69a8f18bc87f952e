#include <cmath>
#include <figures/plot_axis.h>

#include <gtest/gtest.h>

namespace switchyard::figures {
namespace {

using Ticks = std::vector<double>;

void expect_near(const Ticks& ticks, const Ticks& expected) {
  ASSERT_EQ(ticks.size(), expected.size());
  for (size_t i = 0; i < ticks.size(); ++i) {
    EXPECT_NEAR(ticks[i], expected[i], 1e-9 * std::abs(expected[i])) << i;
  }
}

TEST(PlotAxis, LinearTicksAreRoundNumbers) {
  expect_near(linear_ticks(0.0, 10.0, 6), {0, 2, 4, 6, 8, 10});
  expect_near(linear_ticks(34.1, 46.1, 7), {36, 38, 40, 42, 44, 46});
  expect_near(linear_ticks(0.0, 1.0, 5), {0, 0.25, 0.5, 0.75, 1.0});
  expect_near(linear_ticks(-0.3, 0.3, 3), {-0.2, 0.0, 0.2});
}

TEST(PlotAxis, LinearTicksOfOneValueAreThatValue) {
  expect_near(linear_ticks(5.0, 5.0, 4), {5.0});
}

TEST(PlotAxis, LogTicksArePowersOverManyDecades) {
  expect_near(log_ticks(5e5, 2e9, 10, 8), {1e6, 1e7, 1e8, 1e9});
  expect_near(log_ticks(1.0, 1e12, 10, 7), {1, 1e2, 1e4, 1e6, 1e8, 1e10, 1e12});
}

TEST(PlotAxis, LogTicksFillShortRanges) {
  expect_near(log_ticks(8.0, 300.0, 10, 8), {10, 20, 50, 100, 200});
  expect_near(log_ticks(34.0, 46.0, 10, 7), {34, 36, 38, 40, 42, 44, 46});
}

TEST(PlotAxis, LogTicksToTheBaseOfTwoKeepTheirDistance) {
  expect_near(log_ticks(1.0, 1024.0, 2, 6), {1, 4, 16, 64, 256, 1024});
  expect_near(log_ticks(3.0, 40.0, 2, 8), {4, 8, 16, 32});
}

TEST(PlotAxis, NeverGivesMoreTicksThanAskedFor) {
  for (const double span : {1.01, 1.5, 3.0, 12.0, 1e3, 1e9}) {
    for (const int most : {2, 3, 5, 9}) {
      EXPECT_LE(log_ticks(7.0, 7.0 * span, 10, most).size(), static_cast<size_t>(most)) << span;
      EXPECT_LE(linear_ticks(7.0, 7.0 * span, most).size(), static_cast<size_t>(most)) << span;
    }
  }
}

using Texts = std::vector<std::string>;

TEST(PlotAxis, TickTextsAreShort) {
  EXPECT_EQ(tick_texts({0.0, 0.25, 0.1 + 0.2}), (Texts{"0", "0.25", "0.3"}));
  EXPECT_EQ(tick_texts({100.0, 1500.0}), (Texts{"100", "1,500"}));
  EXPECT_EQ(tick_texts({1.5e6, 4e9, 2e12}), (Texts{"1.5M", "4B", "2T"}));
  EXPECT_EQ(tick_texts({1e6 * (1.0 - 1e-12)}), Texts{"1M"});
  EXPECT_EQ(tick_texts({1e-5}), Texts{"1e-05"});
}

TEST(PlotAxis, TickTextsOfOneAxisGoTogether) {
  EXPECT_EQ(tick_texts({8000.0, 9000.0}), (Texts{"8,000", "9,000"}));
  EXPECT_EQ(tick_texts({500.0, 9000.0, 10000.0}), (Texts{"500", "9k", "10k"}));
}

TEST(PlotAxis, PlacesValuesBetweenItsEnds) {
  const PlotAxis axis(AxisScale::kLog10, {10.0, 1000.0});
  EXPECT_NEAR(axis.place(100.0), 0.5, 1e-12);
  EXPECT_GT(axis.place(10.0), 0.0);
  EXPECT_LT(axis.place(1000.0), 1.0);
}

TEST(PlotAxis, LeavesOutWhatItCannotShow) {
  const PlotAxis axis(AxisScale::kLog2, {0.0, -1.0, NAN, INFINITY, 4.0, 8.0});
  EXPECT_FALSE(axis.takes(0.0));
  EXPECT_FALSE(axis.takes(NAN));
  EXPECT_FALSE(axis.takes(INFINITY));
  EXPECT_TRUE(axis.takes(1.0));
  EXPECT_GT(axis.place(4.0), 0.0);
}

TEST(PlotAxis, NeedsNoValuesAndMakesRoomAroundOne) {
  EXPECT_TRUE(std::isfinite(PlotAxis(AxisScale::kLinear, {}).place(1.0)));
  const PlotAxis one(AxisScale::kLog10, {50.0});
  EXPECT_NEAR(one.place(50.0), 0.5, 1e-12);
  EXPECT_FALSE(one.ticks(5).empty());
}

}  // namespace
}  // namespace switchyard::figures
