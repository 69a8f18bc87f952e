#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "sweep/run_measures.h"
#include "sweep/sweep_plan.h"
#include "sweep/sweep_state.h"

namespace switchyard::sweep {

/// The next step for a run.
enum class RunPhase { kTrain, kEvaluateValid, kEvaluateTest, kDone };

/// The next phase of a run, found from the files alone, so that a killed sweep can continue.
[[nodiscard]] RunPhase next_phase(const PlannedRun& run, const std::filesystem::path& directory,
                                  const RunRecord& record);

/// The state of a run and its numbers.
struct RunResult {
  RunPhase next = RunPhase::kTrain;
  RunRecord record;
  std::optional<RunMeasures> measures;  // empty if it has not started
};

/// The results of all runs of a plan, in its order.
[[nodiscard]] std::vector<RunResult> collect_results(const SweepPlan& plan, const SweepPaths& paths,
                                                     const SweepState& state);

/// The run that represents a group: the finished one with the lowest valid perplexity, or the first
/// finished one if there is no valid split. Empty if none is finished.
[[nodiscard]] std::optional<size_t> best_run(const PlannedGroup& group,
                                             const std::vector<RunResult>& results);

}  // namespace switchyard::sweep
