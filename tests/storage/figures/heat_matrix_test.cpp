#include <cmath>
#include <figures/heat_matrix.h>
#include <stdexcept>

#include <gtest/gtest.h>

namespace switchyard::figures {
namespace {

// Four experts in two steps; in the third nothing was logged.
const std::vector<float> kLoad = {10, 10, 10, 10, 0, 80, 0, 0, 0, 0, 0, 0};
const std::vector<float> kImportance = {1, 0, 0, 3, 1, 1, 1, 1, 0, 0, 0, 0};

TEST(HeatMatrix, MeasuresInFairShares) {
  const HeatMatrix load = fair_share_matrix(kLoad, 4, 4);
  ASSERT_EQ(load.rows, 4);
  ASSERT_EQ(load.columns, 3);
  EXPECT_EQ(load.at(0, 0), 1.0F);
  EXPECT_EQ(load.at(1, 1), 4.0F);
  EXPECT_EQ(load.at(0, 1), 0.0F);
  EXPECT_TRUE(std::isnan(load.at(2, 2)));
  EXPECT_EQ(fair_share_matrix(kImportance, 4, 4).at(3, 0), 3.0F);
}

TEST(HeatMatrix, CountsTheExpertsOfABin) {
  const std::vector<float> load_of_bins = {10, 20};  // bin 0: expert 0, bin 1: experts 1 and 2
  const HeatMatrix load = fair_share_matrix(load_of_bins, 2, 3);
  EXPECT_EQ(load.at(0, 0), 1.0F);
  EXPECT_EQ(load.at(1, 0), 1.0F);
}

TEST(HeatMatrix, AveragesWhereItShrinks) {
  const HeatMatrix matrix{2, 4, {1, 3, 0, NAN, 1, 3, 2, NAN}};
  const HeatMatrix small = resized(matrix, 1, 2);
  EXPECT_EQ(small.values, (std::vector<float>{2.0F, 1.0F}));
  EXPECT_EQ(resized(matrix, 4, 4).at(3, 0), 1.0F);
  EXPECT_THROW((void)resized(HeatMatrix{}, 1, 1), std::invalid_argument);
}

TEST(HeatMatrix, ScalesSharesByFactorsOfTwo) {
  EXPECT_EQ(share_colour_value(0.0), 0.0);
  EXPECT_DOUBLE_EQ(share_colour_value(0.125), 0.0);
  EXPECT_DOUBLE_EQ(share_colour_value(1.0), 0.5);
  EXPECT_DOUBLE_EQ(share_colour_value(2.0), 0.5 + 1.0 / 6.0);
  EXPECT_DOUBLE_EQ(share_colour_value(100.0), 1.0);
}

}  // namespace
}  // namespace switchyard::figures
