#pragma once

#include <string>
#include <vector>

#include "render/json_text.h"
#include "sweep/sweep_results.h"

namespace switchyard::sweep {

/// The report in Markdown: every point with its numbers, what was searched, points of equal
/// computation side by side, the tables and pictures that the file asks for, and what is missing.
[[nodiscard]] std::string report_text(const SweepPlan& plan, const std::vector<RunResult>& results);

/// Writes report.md and a picture for each [[plot]], each whole or not at all.
void write_report(const SweepPlan& plan, const std::vector<RunResult>& results,
                  const SweepPaths& paths);

/// One run and its numbers as a line of `sweep --json`.
[[nodiscard]] render::JsonObject result_json(const SweepPlan& plan, size_t run,
                                             const RunResult& result);

/// "done", "failed", "unfinished" or "not started".
[[nodiscard]] std::string status_text(const RunResult& result);

}  // namespace switchyard::sweep
