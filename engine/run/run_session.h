#pragma once

#include <filesystem>

#include "config/run_config.h"
#include "process/exit_code.h"
#include "render/console.h"

namespace switchyard::run {

/// One start of a run, either new or from its newest checkpoint.
struct SessionRequest {
  config::RunConfig config;
  std::filesystem::path directory;
  bool is_resume = false;
  bool is_json = false;  // also write one JSON object per line to `console.out`
};

/// Trains in the foreground: creates and locks the run directory, records to run.db and log.jsonl,
/// shows progress on `console.err`, and stops with a checkpoint on SIGINT, SIGTERM and SIGUSR1.
///
///   returns  kOk when all steps are done, kCheckpointed after an early stop
///
/// Throws what the trainer throws; run.db then records "failed" and the reason.
[[nodiscard]] process::ExitCode run_session(const SessionRequest& request,
                                            render::Console& console);

}  // namespace switchyard::run
