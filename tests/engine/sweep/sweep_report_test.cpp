#include "sweep/sweep_report.h"

#include <cmath>

#include <gtest/gtest.h>

#include "core/error.h"
#include "sweep/sweep_plots.h"
#include "tests/support/temporary_directory.h"

namespace switchyard::sweep {
namespace {

PlannedRun run_of(const std::string& name, int64_t experts, int64_t parameters, double ops) {
  PlannedRun run;
  run.name = name;
  run.steps = 100;
  run.num_experts = experts;
  run.w_importance = 0.1;
  run.w_load = 0.0;
  run.on_valid = run.on_test = true;
  run.model.parameters_excluding_embedding_softmax = parameters;
  run.model.ops_per_timestep = ops;
  return run;
}

RunResult done(double valid, double test) {
  RunResult result;
  result.next = RunPhase::kDone;
  result.record.valid = Evaluation{100, 500, valid};
  result.record.test = Evaluation{100, 500, test};
  result.measures = RunMeasures{};
  result.measures->words = 2000;
  result.measures->words_per_second = 50.0;
  result.measures->cv_importance = 0.5;
  result.measures->cv_load = 0.25;
  result.measures->max_over_mean_load = 1.5;
  result.measures->curve = {{1000, 90.0}, {2000, valid}};
  return result;
}

/// A dense model and a mixture that was searched for its dropout, at equal computation.
SweepPlan small_plan() {
  SweepPlan plan;
  plan.file.title = "Capacity";
  plan.file.path = "capacity.toml";
  plan.runs = {run_of("dense", 1, 1000000, 500000), run_of("moe_dropout-0.1", 16, 4000000, 510000),
               run_of("moe_dropout-0.2", 16, 4000000, 510000)};
  plan.runs[1].searched = {{"model.dropout", 0.1, {}}};
  plan.runs[2].searched = {{"model.dropout", 0.2, {}}};
  plan.groups = {{"dense", "dense", {0}}, {"moe", "16 | experts", {1, 2}}};
  plan.file.plots.resize(3);
  plan.file.plots[1].kind = PlotKind::kPerplexityVsWords;
  plan.file.plots[2].kind = PlotKind::kThroughputVsExperts;
  plan.plot_groups = {{{0, 1}}, {{0, 1}}, {{1, 0}}};
  plan.file.tables.resize(1);
  plan.table_groups = {{0, 1}};
  return plan;
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(SweepResults, TheLowestValidPerplexityStandsForAGroup) {
  const SweepPlan plan = small_plan();
  // The best on the test split is not the one to take.
  EXPECT_EQ(best_run(plan.groups[1], {done(60, 60), done(50, 40), done(49, 52)}), 2U);
  EXPECT_EQ(best_run(plan.groups[1], {done(60, 60), done(50, 40), done(50, 39)}), 1U);
  RunResult missing;
  EXPECT_EQ(best_run(plan.groups[1], {missing, done(50, 40), missing}), 1U);
  EXPECT_EQ(best_run(plan.groups[1], {done(1, 1), missing, missing}), std::nullopt);
}

TEST(SweepResults, ADivergedRunIsBetterThanNone) {
  const SweepPlan plan = small_plan();
  EXPECT_EQ(best_run(plan.groups[1], {done(1, 1), done(INFINITY, 9), done(INFINITY, 9)}), 1U);
  EXPECT_EQ(best_run(plan.groups[1], {done(1, 1), done(INFINITY, 9), done(70, 9)}), 2U);
}

TEST(SweepReport, ShowsPointsSearchAndEqualComputation) {
  const std::string text = report_text(small_plan(), {done(60, 61), done(50, 51), done(49, 52)});
  EXPECT_TRUE(holds(text, "# Capacity"));
  EXPECT_TRUE(holds(text, "3 of 3 runs are done"));
  EXPECT_TRUE(holds(text, "| dense | 1.00M | 500k |")) << text;
  EXPECT_TRUE(holds(text, "16 \\| experts")) << text;
  EXPECT_TRUE(holds(text, "500k to 510k ops/timestep")) << text;
  EXPECT_TRUE(holds(text, "-14.8 %")) << text;  // 52 against 61
  EXPECT_TRUE(holds(text, "| dropout 0.2 | 49.00 | 52.00 | chosen |")) << text;
  EXPECT_TRUE(holds(text, "(perplexity_vs_parameters.svg)")) << text;
  EXPECT_TRUE(holds(text, "| dense | 0.1 | 0.0 | 61.00 | 0.50 | 0.25 | 1.50 |")) << text;
  EXPECT_FALSE(holds(text, "Not done"));
}

TEST(SweepReport, NamesWhatIsMissing) {
  RunResult failed;
  failed.record.failure = "exit code 1: the loss is NaN";
  const std::string text = report_text(small_plan(), {done(60, 61), failed, RunResult{}});
  EXPECT_TRUE(holds(text, "1 of 3 runs are done"));
  EXPECT_TRUE(holds(text, "- moe_dropout-0.1: failed: exit code 1: the loss is NaN")) << text;
  EXPECT_TRUE(holds(text, "- moe_dropout-0.2: not started")) << text;
}

TEST(SweepReport, IsWholeBeforeAnythingIsDone) {
  const std::string text = report_text(small_plan(), {RunResult{}, RunResult{}, RunResult{}});
  EXPECT_TRUE(holds(text, "0 of 3 runs are done"));
  EXPECT_FALSE(holds(text, "nan"));
}

TEST(SweepPlots, ShowTheBestOfEachGroup) {
  const std::vector<RunResult> results = {done(60, 61), done(50, 51), done(49, 52)};
  const render::Plot plot = make_plot(small_plan(), 0, results);
  ASSERT_EQ(plot.series.size(), 1U);
  ASSERT_EQ(plot.series[0].points.size(), 2U);
  EXPECT_EQ(plot.series[0].points[0].x, 1e6);
  EXPECT_EQ(plot.series[0].points[1].y, 52.0);
  EXPECT_EQ(plot.subtitle, "500k to 510k multiply-adds per word; 2.00k words of training");
  const render::Plot curves = make_plot(small_plan(), 1, results);
  ASSERT_EQ(curves.series.size(), 2U);
  EXPECT_EQ(curves.series[1].label, "16 | experts");
  ASSERT_EQ(curves.series[1].points.size(), 2U);
  EXPECT_EQ(curves.series[1].points[1].y, 49.0);
  const render::Plot speed = make_plot(small_plan(), 2, results);
  EXPECT_EQ(speed.series[0].points[0].x, 1.0);  // sorted, whatever the order of the names
  EXPECT_EQ(speed.series[0].points[1].x, 16.0);
}

TEST(SweepPlots, CurvesBeginWhereTheyCanBeToldApart) {
  std::vector<RunResult> results = {done(60, 61), done(50, 51), done(49, 52)};
  results[0].measures->curve = {{100, 9000.0}, {200, 197.0}, {300, 70.0}, {400, 60.0}};
  results[2].measures->curve = {{100, 9000.0}, {200, 600.0}};
  const render::Plot curves = make_plot(small_plan(), 1, results);
  ASSERT_EQ(curves.series[0].points.size(), 2U);  // above twice the 60 of the end is left out
  EXPECT_EQ(curves.series[0].points[0].x, 300.0);
  EXPECT_EQ(curves.series[1].points.size(), 2U);  // there is always something to see
}

TEST(SweepPlots, HaveFilesOfTheirOwn) {
  SweepPlan plan = small_plan();
  plan.file.plots.push_back(plan.file.plots[0]);
  EXPECT_EQ(
      picture_names(plan),
      (std::vector<std::string>{"perplexity_vs_parameters.svg", "perplexity_vs_words.svg",
                                "throughput_vs_experts.svg", "perplexity_vs_parameters-2.svg"}));
}

TEST(SweepState, KeepsWhatItIsTold) {
  const tests::TemporaryDirectory directory;
  const auto file = directory.path() / "sweep.json";
  RunRecord record;
  record.valid = Evaluation{20, 500, 61.25};
  record.failure = "a \"quoted\"\nreason";
  SweepState(file).set_record("a", record);
  SweepState again(file);
  ASSERT_TRUE(again.record("a").valid.has_value());
  EXPECT_EQ(again.record("a").valid->perplexity, 61.25);
  EXPECT_FALSE(again.record("a").test.has_value());
  EXPECT_EQ(again.record("a").failure, record.failure);
  EXPECT_TRUE(again.record("b").failure.empty());
}

TEST(SweepState, ReadsWhatEvalPrints) {
  const Evaluation found =
      parse_evaluation(R"({"schema":1,"split":"valid","step":7,"perplexity":3.5,"words":9})");
  EXPECT_EQ(found.step, 7);
  EXPECT_EQ(found.perplexity, 3.5);
  EXPECT_TRUE(std::isinf(parse_evaluation(R"({"step":7,"perplexity":null,"words":9})").perplexity));
  EXPECT_THROW((void)parse_evaluation("perplexity 3"), core::Error);
}

}  // namespace
}  // namespace switchyard::sweep
