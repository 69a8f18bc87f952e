#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "process/exit_code.h"
#include "render/console.h"
#include "sweep/sweep_plan.h"

namespace switchyard::sweep {

/// Where a sweep runs, and how.
struct SweepOptions {
  std::filesystem::path directory;
  int64_t jobs = 1;  // runs at the same time
};

/// Runs what is not done yet, each run in its own process: a crash is reported and the next run
/// begins. Interrupted runs continue from their checkpoint. On SIGINT and SIGTERM the running ones
/// save a checkpoint and the sweep stops.
///
///   on_done  called with the index of each run that is finished by this call
///   returns  kOk when all runs are done, kRunFailed when some failed, kCheckpointed when stopped
///
/// Throws Error(kInvalidArgument) if the directory holds runs with other settings, Error(kState) if
/// another sweep is using it.
[[nodiscard]] process::ExitCode run_sweep(const SweepPlan& plan, const SweepOptions& options,
                                          render::Console& console,
                                          const std::function<void(size_t run)>& on_done);

}  // namespace switchyard::sweep
