#include "sweep/sweep_results.h"

#include <limits>
#include <storage/error.h>

#include "process/run_directory.h"
#include "run/run_summary.h"

namespace switchyard::sweep {
namespace {

bool is_trained(const PlannedRun& run, const std::filesystem::path& directory) {
  if (!process::holds_run(directory)) {
    return false;
  }
  const std::vector<process::CheckpointPlace> checkpoints = process::list_checkpoints(directory);
  return !checkpoints.empty() && checkpoints.back().step == run.steps &&
         run::summarize_run(directory).state == "done";
}

bool is_of(const std::optional<Evaluation>& evaluation, const PlannedRun& run) {
  return evaluation && evaluation->step == run.steps;
}

}  // namespace

RunPhase next_phase(const PlannedRun& run, const std::filesystem::path& directory,
                    const RunRecord& record) {
  if (!is_trained(run, directory)) {
    return RunPhase::kTrain;
  }
  if (run.on_valid && !is_of(record.valid, run)) {
    return RunPhase::kEvaluateValid;
  }
  return run.on_test && !is_of(record.test, run) ? RunPhase::kEvaluateTest : RunPhase::kDone;
}

std::vector<RunResult> collect_results(const SweepPlan& plan, const SweepPaths& paths,
                                       const SweepState& state) {
  std::vector<RunResult> results;
  for (const PlannedRun& run : plan.runs) {
    RunResult& result = results.emplace_back();
    result.record = state.record(run.name);
    result.next = next_phase(run, paths.run(run.name), result.record);
    try {
      if (std::filesystem::exists(process::RunPaths{paths.run(run.name)}.database())) {
        result.measures = measure_run(paths.run(run.name));
      }
    } catch (const storage::Error& error) {  // a damaged run must not hide the others
      result.record.failure = error.what();
      result.next = RunPhase::kTrain;
    }
  }
  return results;
}

std::optional<size_t> best_run(const PlannedGroup& group, const std::vector<RunResult>& results) {
  std::optional<size_t> best;
  double lowest = std::numeric_limits<double>::infinity();
  for (const size_t run : group.runs) {
    const RunResult& result = results[run];
    if (result.next != RunPhase::kDone) {
      continue;
    }
    const double perplexity = result.record.valid ? result.record.valid->perplexity : lowest;
    if (!best || perplexity < lowest) {
      best = run;
      lowest = perplexity;
    }
  }
  return best;
}

}  // namespace switchyard::sweep
