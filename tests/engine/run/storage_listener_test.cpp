#include "run/storage_listener.h"

#include <cmath>
#include <limits>
#include <storage/run_reader.h>
#include <storage/run_writer.h>
#include <storage/verify.h>

#include <gtest/gtest.h>

#include "run/run_summary.h"
#include "tests/support/temporary_directory.h"

namespace switchyard::run {
namespace {

trainer::StepReport step_report(int64_t step) {
  trainer::StepReport report;
  report.step = step;
  report.task_loss = 10.0 - static_cast<double>(step);
  report.aux_loss = 0.25;
  report.learning_rate = 1e-3;
  report.grad_norm = 2.0;
  report.num_words = 100;
  report.seconds = 0.5;
  report.utc_ns = step;
  report.monotonic_ns = step;
  return report;
}

/// A run of four steps, logged every second one.
void record(const std::filesystem::path& directory) {
  storage::RunWriter writer(directory);
  storage::SegmentStart start;
  start.config_toml = "x = 1\n";
  start.reason = "start";
  writer.begin_segment(start);
  writer.meta("name", "demo");
  StorageListener listener(writer, 2);
  for (int64_t step = 1; step <= 4; ++step) {
    listener.on_step(step_report(step));
  }
  const std::vector<float> importance = {1.0F, 2.0F, 1.0F};
  const std::vector<float> load = {4.0F, 8.0F, 0.0F};
  const std::vector<int32_t> tokens = {4, 8, 0};
  trainer::ExpertReport experts;
  experts.step = 4;
  experts.layer = "layers.1";
  experts.top_k = 2;
  experts.importance = importance;
  experts.load = load;
  experts.tokens = tokens;
  experts.gate_entropy = 0.7;
  listener.on_experts(experts);
  listener.on_metric({4, "moe.gate/temperature", std::numeric_limits<double>::quiet_NaN()});
  trainer::EvaluationReport evaluation;
  evaluation.step = 4;
  evaluation.split = "valid";
  evaluation.nll_per_word = std::log(50.0);
  listener.on_evaluation(evaluation);
  trainer::CheckpointReport first;
  first.step = 2;
  first.directory = "checkpoints/step-2";
  first.bytes = 10;
  first.manifest_sha256.assign(32, 7);
  listener.on_checkpoint(first);
  trainer::CheckpointReport second = first;
  second.step = 4;
  second.directory = "checkpoints/step-4";
  second.removed = {"checkpoints/step-2"};
  listener.on_checkpoint(second);
  listener.on_event(3, core::LogLevel::kWarning, "nonfinite_step_skipped", "a word");
  writer.end_segment(4, "done", 0);
  writer.close();
}

class StorageListenerTest : public testing::Test {
 protected:
  StorageListenerTest() { record(directory_.path()); }

  tests::TemporaryDirectory directory_;
};

TEST_F(StorageListenerTest, KeepsTheMetricsOfLoggedSteps) {
  storage::RunReader reader(directory_.path());
  const auto loss = reader.series("task_loss");
  ASSERT_EQ(loss.size(), 3U);  // steps 1, 2, 4
  EXPECT_EQ(loss[0].step, 1);
  EXPECT_EQ(loss[2].value, 6.0);
  EXPECT_EQ(reader.series("aux_loss")[1].value, 0.25);
  EXPECT_EQ(reader.series("learning_rate")[1].value, 1e-3);
  EXPECT_EQ(reader.series("grad_norm")[1].value, 2.0);
  EXPECT_EQ(reader.series("words_per_second")[2].value, 200.0);
  EXPECT_NEAR(reader.series("valid_perplexity")[0].value, 50.0, 1e-9);
  EXPECT_TRUE(std::isnan(reader.series("moe.gate/temperature")[0].value));
  EXPECT_EQ(reader.step_times().size(), 4U);
}

TEST_F(StorageListenerTest, KeepsExpertsCheckpointsAndEvents) {
  storage::RunReader reader(directory_.path());
  ASSERT_EQ(reader.layers().size(), 1U);
  EXPECT_EQ(reader.layers()[0].top_k, 2);
  EXPECT_EQ(reader.experts("layers.1", 4)->load, (std::vector<float>{4, 8, 0}));
  EXPECT_EQ(reader.expert_summaries("layers.1")[0].dead, 1);
  const auto checkpoints = reader.checkpoints();
  ASSERT_EQ(checkpoints.size(), 2U);
  EXPECT_EQ(checkpoints[0].state, "deleted");
  EXPECT_EQ(checkpoints[1].state, "complete");
  EXPECT_EQ(checkpoints[1].manifest_sha256[31], 7);
  const auto events = reader.events();
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events.back().code, "nonfinite_step_skipped");
  EXPECT_TRUE(storage::verify_run(directory_.path()).empty());
}

TEST_F(StorageListenerTest, GivesASummaryOfTheRun) {
  const RunSummary summary = summarize_run(directory_.path());
  EXPECT_EQ(summary.name, "demo");
  EXPECT_EQ(summary.state, "done");
  EXPECT_EQ(summary.step, 4);
  EXPECT_EQ(summary.task_loss, 6.0);
  EXPECT_NEAR(summary.valid_perplexity, 50.0, 1e-9);
  EXPECT_EQ(summary.num_segments, 1);
  EXPECT_EQ(find_runs(directory_.path().parent_path(), 0).size(), 0U);
  EXPECT_EQ(find_runs(directory_.path(), 0).size(), 1U);
}

TEST(RunSummaries, SayThatARunCannotBeRead) {
  const tests::TemporaryDirectory directory;
  const RunSummary summary = summarize_run(directory.path());
  EXPECT_EQ(summary.state, "unreadable");
  EXPECT_FALSE(summary.problem.empty());
}

}  // namespace
}  // namespace switchyard::run
