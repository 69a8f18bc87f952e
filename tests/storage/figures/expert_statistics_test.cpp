#include <cmath>
#include <figures/expert_statistics.h>

#include <gtest/gtest.h>

namespace switchyard::figures {
namespace {

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
}  // namespace switchyard::figures
