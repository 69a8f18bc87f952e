#include "run/progress.h"

#include <cmath>
#include <limits>
#include <sstream>

#include <gtest/gtest.h>

#include "run/progress_line.h"
#include "run/step_clock.h"

namespace switchyard::run {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

class FakeClock : public core::Clock {
 public:
  [[nodiscard]] int64_t monotonic_ns() const override { return now_ns; }
  [[nodiscard]] int64_t utc_ns() const override { return now_ns; }
  int64_t now_ns = 0;
};

ProgressState halfway() {
  ProgressState state;
  state.step = 500;
  state.total_steps = 1000;
  state.loss = 5.25;
  state.words_per_second = 12345.0;
  state.seconds_left = 65.0;
  state.max_over_mean_load = 1.5;
  state.checkpoint_age_s = 7.0;
  return state;
}

trainer::StepReport step_report(int64_t step, int64_t monotonic_ns) {
  trainer::StepReport report;
  report.step = step;
  report.task_loss = 4.0;
  report.num_words = 1000;
  report.seconds = 1.0;
  report.monotonic_ns = monotonic_ns;
  return report;
}

TEST(ProgressLine, ShowsEverythingWhereThereIsRoom) {
  EXPECT_EQ(progress_bar_line(halfway(), 120, false),
            "[===============>              ] 500/1,000  loss 5.250  12.3k words/s  eta 1:05  "
            "max/mean load 1.50  saved 0:07 ago");
  EXPECT_EQ(progress_plain_line(halfway()),
            "step 500/1,000  loss 5.250  12.3k words/s  eta 1:05  max/mean load 1.50  "
            "saved 0:07 ago");
}

TEST(ProgressLine, NeverExceedsTheWidth) {
  for (int width = 1; width < 140; ++width) {
    EXPECT_LT(progress_bar_line(halfway(), width, false).size(), static_cast<size_t>(width));
  }
  EXPECT_EQ(progress_bar_line(halfway(), 45, false), "500/1,000  loss 5.250  12.3k words/s");
}

TEST(ProgressLine, FillsTheBarByEighthsOfACell) {
  ProgressState state;
  state.step = 1;
  state.total_steps = 16;
  EXPECT_EQ(progress_bar_line(state, 18, true), "▕▋         ▏ 1/16");
}

TEST(ProgressLine, ShowsALossThatIsNotANumber) {
  ProgressState state = halfway();
  state.loss = std::numeric_limits<double>::quiet_NaN();
  EXPECT_NE(progress_plain_line(state).find("loss nan"), std::string::npos);
}

TEST(StepClock, IgnoresSlowAndFastOutliers) {
  StepClock clock;
  int64_t now = 0;
  for (int64_t step = 1; step <= 40; ++step) {
    now += step % 10 == 0 ? 100 * kSecond : 2 * kSecond;  // an evaluation every tenth step
    clock.tick(step, now);
  }
  EXPECT_DOUBLE_EQ(clock.seconds_per_step(), 2.0);
}

TEST(StepClock, KnowsNothingBeforeTwoSteps) {
  StepClock clock;
  EXPECT_LT(clock.seconds_per_step(), 0.0);
  clock.tick(1, kSecond);
  EXPECT_LT(clock.seconds_per_step(), 0.0);
}

TEST(Progress, WritesAPlainLineEveryTenSecondsWhereThereIsNoTerminal) {
  std::ostringstream out;
  FakeClock clock;
  {
    Progress progress(out, clock, {100, render::Terminal{}, {}});
    for (int64_t step = 1; step <= 25; ++step) {
      clock.now_ns = step * kSecond;
      progress.on_step(step_report(step, clock.now_ns));
    }
  }
  EXPECT_EQ(out.str(),
            "step 11/100  loss 4.000  1.00k words/s  eta 1:29\n"
            "step 21/100  loss 4.000  1.00k words/s  eta 1:19\n"
            "step 25/100  loss 4.000  1.00k words/s  eta 1:15\n");
}

TEST(Progress, RedrawsInPlaceAndKeepsLinesAboveTheBar) {
  std::ostringstream out;
  FakeClock clock;
  render::Terminal terminal;
  terminal.is_terminal = terminal.animates = true;
  {
    Progress progress(out, clock, {2, terminal, [] { return 30; }});
    progress.on_step(step_report(1, 0));
    trainer::EvaluationReport evaluation;
    evaluation.step = 1;
    evaluation.split = "valid";
    evaluation.nll_per_word = std::log(100.0);
    evaluation.num_words = 1234;
    progress.on_evaluation(evaluation);
  }
  EXPECT_EQ(out.str(),
            "\r[=====>     ] 1/2  loss 4.000\x1b[K"
            "\r\x1b[Kstep 1: valid perplexity 100.00 (1,234 words, 0:00)\n"
            "\r[=====>     ] 1/2  loss 4.000\x1b[K\n");
}

TEST(Progress, ShowsTheWorstLayersLoad) {
  std::ostringstream out;
  FakeClock clock;
  {
    Progress progress(out, clock, {10, render::Terminal{}, {}});
    const std::vector<int32_t> uneven = {6, 1, 1, 0};
    trainer::ExpertReport experts;
    experts.layer = "moe";
    experts.tokens = uneven;
    progress.on_experts(experts);
    progress.on_step(step_report(1, 0));
  }
  EXPECT_NE(out.str().find("max/mean load 3.00"), std::string::npos) << out.str();
}

}  // namespace
}  // namespace switchyard::run
