#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "sweep/run_measures.h"
#include "sweep/sweep_plan.h"
#include "sweep/sweep_state.h"

namespace switchyard::sweep {

/// What is to be done next for a run.
enum class RunPhase { kTrain, kEvaluateValid, kEvaluateTest, kDone };

/// Decided by what lies on the disk alone, so a sweep goes on wherever it was killed.
[[nodiscard]] RunPhase next_phase(const PlannedRun& run, const std::filesystem::path& directory,
                                  const RunRecord& record);

struct RunResult {
  RunPhase next = RunPhase::kTrain;
  RunRecord record;
  std::optional<RunMeasures> measures;  // empty: not started
};

/// The results of all runs of a plan, in its order.
[[nodiscard]] std::vector<RunResult> collect_results(const SweepPlan& plan, const SweepPaths& paths,
                                                     const SweepState& state);

/// The run that stands for a group: done, with the lowest valid perplexity, the first of equals.
/// Without a valid split the first that is done. Empty: none is done.
[[nodiscard]] std::optional<size_t> best_run(const PlannedGroup& group,
                                             const std::vector<RunResult>& results);

}  // namespace switchyard::sweep
