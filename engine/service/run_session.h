#pragma once

#include <filesystem>

#include "service/console.h"
#include "service/exit_code.h"
#include "trainer/run_config.h"

namespace switchyard::service {

/// One start of a run: from nothing or from its newest checkpoint.
struct SessionRequest {
  trainer::RunConfig config;
  std::filesystem::path directory;
  bool is_resume = false;
  bool is_json = false;  // also one JSON object a line on `console.out`
};

/// Trains in the foreground: makes or locks the run directory, records to run.db and log.jsonl,
/// shows progress on `console.err`, and stops with a checkpoint on SIGINT, SIGTERM and
/// SIGUSR1.
///
///   returns  kOk when all steps are done, kCheckpointed when stopped early
///
/// Throws what the trainer throws; the run's database then says "failed" and why.
[[nodiscard]] ExitCode run_session(const SessionRequest& request, Console& console);

}  // namespace switchyard::service
