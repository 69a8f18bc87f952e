#include "run/run_summary.h"

#include <algorithm>
#include <limits>
#include <storage/run_reader.h>

#include "process/run_directory.h"

namespace switchyard::run {
namespace {

namespace fs = std::filesystem;

double newest_value(storage::RunReader& reader, const std::string& metric) {
  for (const storage::MetricName& name : reader.metric_names()) {
    if (name.name == metric) {
      const auto points = reader.series(metric);
      return points.empty() ? std::numeric_limits<double>::quiet_NaN() : points.back().value;
    }
  }
  return std::numeric_limits<double>::quiet_NaN();
}

void read_database(RunSummary& summary) {
  storage::RunReader reader(summary.directory);
  const auto meta = reader.meta();
  if (const auto name = meta.find("name"); name != meta.end() && !name->second.empty()) {
    summary.name = name->second;
  }
  const auto segments = reader.segments();
  summary.num_segments = static_cast<int64_t>(segments.size());
  if (!segments.empty()) {
    summary.started_utc_ns = segments.front().start_utc_ns;
    summary.state = segments.back().exit_kind.value_or("lost");
  }
  if (process::is_locked(summary.directory)) {
    summary.state = "running";
  }
  summary.step = reader.latest_step().value_or(-1);
  summary.task_loss = newest_value(reader, "task_loss");
  summary.valid_perplexity = newest_value(reader, "valid_perplexity");
}

void find_below(const fs::path& root, int depth, std::vector<fs::path>& found) {
  std::error_code error;
  if (fs::exists(process::RunPaths{root}.database(), error)) {
    found.push_back(root);
    return;  // runs do not nest
  }
  if (depth == 0) {
    return;
  }
  for (const auto& entry : fs::directory_iterator(root, error)) {
    if (entry.is_directory(error) && !entry.is_symlink(error)) {
      find_below(entry.path(), depth - 1, found);
    }
  }
}

}  // namespace

RunSummary summarize_run(const fs::path& directory) {
  RunSummary summary;
  summary.directory = directory;
  summary.name = fs::absolute(directory).lexically_normal().filename().string();
  if (summary.name.empty()) {
    summary.name = fs::absolute(directory).lexically_normal().parent_path().filename().string();
  }
  summary.state = "new";
  summary.task_loss = summary.valid_perplexity = std::numeric_limits<double>::quiet_NaN();
  try {
    read_database(summary);
  } catch (const storage::Error& error) {
    summary.state = "unreadable";
    summary.problem = error.what();
  }
  return summary;
}

std::vector<fs::path> find_runs(const fs::path& root, int depth) {
  std::vector<fs::path> found;
  find_below(root, depth, found);
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace switchyard::run
