#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace switchyard::run {

/// A run at a glance.
struct RunSummary {
  std::filesystem::path directory;
  std::string name;
  /// "new", "running", "done", "stopped", "requeued", "failed", "lost" or "unreadable".
  std::string state;
  int64_t step = -1;              // -1: none yet
  double task_loss = 0.0;         // newest; NaN where there is none
  double valid_perplexity = 0.0;  // newest; NaN where there is none
  int64_t started_utc_ns = 0;
  int64_t num_segments = 0;
  std::string problem;  // why it is unreadable
};

/// Summarizes a run from its database. A damaged database does not throw: the state is
/// "unreadable".
[[nodiscard]] RunSummary summarize_run(const std::filesystem::path& directory);

/// The run directories at or below `root`, at most `depth` levels down, sorted by name.
[[nodiscard]] std::vector<std::filesystem::path> find_runs(const std::filesystem::path& root,
                                                           int depth);

}  // namespace switchyard::run
