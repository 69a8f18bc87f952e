#include "optim/schedule.h"

#include <gtest/gtest.h>

#include "tests/support/error_matcher.h"

namespace switchyard::optim {
namespace {

struct Case {
  int64_t step;
  double language_model;  // warm-up 1000, then 1/sqrt
  double translation;     // 2000 + 8000
  double early_draft;     // 200 + 200
};

// Fractions of the base rate; Shazeer et al. 2017, appendices C.1 and E.
constexpr Case kCases[] = {
    {1, 0.001, 0.0005, 0.005},
    {200, 0.2, 0.1, 1.0},
    {400, 0.4, 0.2, 1.0},
    {1000, 1.0, 0.5, 0.632455532},
    {2000, 0.707106781, 1.0, 0.447213595},
    {4000, 0.5, 1.0, 0.316227766},
    {10000, 0.316227766, 1.0, 0.2},
    {27000, 0.192450090, 0.608580619, 0.121716124},
    {40000, 0.158113883, 0.5, 0.1},
};

TEST(Schedule, GivesTheRatesOfThePaper) {
  for (const Case& c : kCases) {
    const auto rate = [&](int64_t warmup, int64_t hold) {
      return Schedule{.base = 1.0, .warmup_steps = warmup, .hold_steps = hold}.at(c.step);
    };
    EXPECT_NEAR(rate(1000, 0), c.language_model, 1e-9) << c.step;
    EXPECT_NEAR(rate(2000, 8000), c.translation, 1e-9) << c.step;
    EXPECT_NEAR(rate(200, 200), c.early_draft, 1e-9) << c.step;
  }
}

TEST(Schedule, ConstantStaysAfterWarmUpAndFallsInTheDecay) {
  const Schedule schedule = {.kind = ScheduleKind::kConstant,
                             .base = 2.0,
                             .warmup_steps = 10,
                             .decay_steps = 4,
                             .total_steps = 100};
  EXPECT_DOUBLE_EQ(schedule.at(5), 1.0);
  EXPECT_DOUBLE_EQ(schedule.at(97), 2.0);
  EXPECT_DOUBLE_EQ(schedule.at(98), 1.5);
  EXPECT_DOUBLE_EQ(schedule.at(100), 0.5);
}

TEST(Schedule, PlateauDividesOncePerEvaluationWithoutGain) {
  const Schedule schedule = {
      .kind = ScheduleKind::kPlateau, .base = 20.0, .warmup_steps = 2, .plateau_factor = 4.0};
  EXPECT_DOUBLE_EQ(schedule.at(1, 0), 10.0);
  EXPECT_DOUBLE_EQ(schedule.at(50, 0), 20.0);
  EXPECT_DOUBLE_EQ(schedule.at(51, 1), 5.0);
  EXPECT_DOUBLE_EQ(schedule.at(1000, 3), 0.3125);
}

TEST(Schedule, RejectsWhatMakesNoSense) {
  EXPECT_ERROR((Schedule{.base = 0.0}.check()), core::ErrorCode::kInvalidArgument,
               "learning_rate must be positive, got 0");
  EXPECT_ERROR((Schedule{.warmup_steps = -1}.check()), core::ErrorCode::kInvalidArgument,
               "must be 0 or more, got -1");
  EXPECT_ERROR((Schedule{.decay_steps = 9, .total_steps = 5}.check()),
               core::ErrorCode::kInvalidArgument, "at most the number of steps 5, got 9");
  EXPECT_ERROR((Schedule{.plateau_factor = 1.0}.check()), core::ErrorCode::kInvalidArgument,
               "plateau_factor must be greater than 1, got 1");
}

}  // namespace
}  // namespace switchyard::optim
