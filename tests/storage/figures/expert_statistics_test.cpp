#include <cmath>
#include <figures/expert_statistics.h>

#include <gtest/gtest.h>

namespace switchyard::figures {
namespace {

TEST(ExpertStatistics, AgreeWithNumbersWorkedOutByHand) {
  const std::vector<float> importance = {1, 3, 1, 3};  // mean 2, deviation 1
  const std::vector<int64_t> rows = {0, 0, 0, 8};      // mean 2, deviation sqrt(12)
  EXPECT_DOUBLE_EQ(mean(importance), 2.0);
  EXPECT_DOUBLE_EQ(squared_variation(importance), 0.25);
  EXPECT_DOUBLE_EQ(coefficient_of_variation(importance), 0.5);
  EXPECT_DOUBLE_EQ(coefficient_of_variation(rows), std::sqrt(3.0));
  EXPECT_DOUBLE_EQ(max_over_mean(importance), 1.5);
  EXPECT_DOUBLE_EQ(max_over_mean(rows), 4.0);
  EXPECT_EQ(starved_experts(std::vector<float>{0, 0, 0, 8}), (std::vector<int64_t>{0, 1, 2}));
}

TEST(ExpertStatistics, AreNotANumberWhereNothingHappened) {
  const std::vector<float> zeros = {0, 0};
  EXPECT_TRUE(std::isnan(squared_variation(zeros)));
  EXPECT_TRUE(std::isnan(max_over_mean(zeros)));
  EXPECT_TRUE(std::isnan(coefficient_of_variation(std::vector<float>{})));
  EXPECT_TRUE(starved_experts(zeros).empty());
}

}  // namespace
}  // namespace switchyard::figures
