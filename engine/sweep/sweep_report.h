#pragma once

#include <string>
#include <vector>

#include "render/json_text.h"
#include "sweep/sweep_results.h"

namespace switchyard::sweep {

/// Renders the report in Markdown: every point with its numbers, points of equal computation side
/// by side, the tables and plots of the file, what was searched, and what is missing.
[[nodiscard]] std::string report_text(const SweepPlan& plan, const std::vector<RunResult>& results);

/// Writes report.md and a picture for each [[plot]]. After a crash, each file is whole or missing.
void write_report(const SweepPlan& plan, const std::vector<RunResult>& results,
                  const SweepPaths& paths);

/// A run and its numbers, as in `sweep --json`.
[[nodiscard]] render::JsonObject result_json(const SweepPlan& plan, size_t run,
                                             const RunResult& result);

/// The status of a run: "done", "failed", "unfinished" or "not started".
[[nodiscard]] std::string status_text(const RunResult& result);

}  // namespace switchyard::sweep
