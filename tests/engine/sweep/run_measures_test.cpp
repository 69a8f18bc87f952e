#include "sweep/run_measures.h"

#include <cmath>
#include <storage/run_writer.h>

#include <gtest/gtest.h>

#include "tests/support/temporary_directory.h"

namespace switchyard::sweep {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

class RunMeasuresTest : public ::testing::Test {
 protected:
  // Steps of 100 words, one a second, with a speed and a loss each.
  void write(const std::vector<double>& speeds, const std::vector<double>& losses) const {
    storage::RunWriter writer(directory_.path());
    writer.begin_segment({});
    for (size_t i = 0; i < speeds.size(); ++i) {
      const auto step = static_cast<int64_t>(i) + 1;
      writer.step_time(step, step * kSecond, step * kSecond, 100);
      writer.metric("words_per_second", "words/s", step, speeds[i], storage::MetricKind::kTiming);
      writer.metric("task_loss", "nats", step, losses[i]);
    }
    writer.metric("valid_perplexity", "", 2, 50.0);
    ASSERT_TRUE(writer.flush());
  }

  tests::TemporaryDirectory directory_;
};

TEST_F(RunMeasuresTest, SpeedIsTheMedianOverTheSteps) {
  write({10.0, 40.0, 20.0, 34.0}, {4.0, 3.0, 2.0, 1.0});
  const RunMeasures measures = measure_run(directory_.path());
  EXPECT_EQ(measures.words_per_second, 27.0);
  EXPECT_EQ(measures.train_loss, 2.5);
  EXPECT_EQ(measures.step, 4);
  EXPECT_EQ(measures.words, 400);
  ASSERT_EQ(measures.curve.size(), 1U);
  EXPECT_EQ(measures.curve.front().words, 200);
  EXPECT_EQ(measures.curve.front().perplexity, 50.0);
}

TEST_F(RunMeasuresTest, AnOddNumberOfStepsHasOneInTheMiddle) {
  write({10.0, 40.0, 20.0}, {4.0, 3.0, 2.0});
  EXPECT_EQ(measure_run(directory_.path()).words_per_second, 20.0);
}

TEST_F(RunMeasuresTest, WhatNoStepRecordedIsNoNumber) {
  write({}, {});
  EXPECT_TRUE(std::isnan(measure_run(directory_.path()).words_per_second));
}

}  // namespace
}  // namespace switchyard::sweep
