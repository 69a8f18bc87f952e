#include "trainer/text_sampler.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/error_matcher.h"

namespace switchyard::trainer {
namespace {

// Probabilities 1/2, 1/4, 1/8, 1/8.
const std::vector<float> kLogits = {std::log(4.0F), std::log(2.0F), 0.0F, 0.0F};

TEST(TextSampler, TakesTheWordAtWhichTheProbabilitiesPassTheNumber) {
  EXPECT_EQ(sample_word(kLogits, {}, 0.0), 0);
  EXPECT_EQ(sample_word(kLogits, {}, 0.49), 0);
  EXPECT_EQ(sample_word(kLogits, {}, 0.51), 1);
  EXPECT_EQ(sample_word(kLogits, {}, 0.80), 2);
  EXPECT_EQ(sample_word(kLogits, {}, 0.99), 3);
}

TEST(TextSampler, TopKLeavesTheLikeliestWordsOnly) {
  EXPECT_EQ(sample_word(kLogits, {.top_k = 2}, 0.66), 0);  // 2/3 and 1/3
  EXPECT_EQ(sample_word(kLogits, {.top_k = 2}, 0.67), 1);
  EXPECT_EQ(sample_word(kLogits, {.top_k = 1}, 0.999), 0);
}

TEST(TextSampler, ALowTemperatureFavoursTheLikeliest) {
  EXPECT_EQ(sample_word(kLogits, {.temperature = 0.01}, 0.999), 0);
  EXPECT_EQ(sample_word(kLogits, {.temperature = 100.0}, 0.74), 2);  // nearly uniform
}

TEST(TextSampler, RejectsWhatMakesNoSense) {
  EXPECT_ERROR((void)sample_word(kLogits, {.temperature = 0.0}, 0.5),
               core::ErrorCode::kInvalidArgument, "temperature must be above 0");
  EXPECT_ERROR((void)sample_word(kLogits, {.top_k = -1}, 0.5), core::ErrorCode::kInvalidArgument,
               "top_k must be 0 (all words) or more");
}

}  // namespace
}  // namespace switchyard::trainer
