#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <storage/error.h>
#include <storage/run_types.h>
#include <string>
#include <string_view>
#include <vector>

namespace switchyard::storage {

/// Everything newer than a given step and event.
struct LiveTail {
  int64_t last_step = 0;  // pass it to the next call
  int64_t last_event = 0;
  std::vector<StepTime> steps;
  std::map<std::string, std::vector<MetricPoint>> metrics;  // by name
  std::vector<Event> events;
};

/// Reads a run's `run.db`, even while the run goes on; never writes to it. Each call sees one
/// consistent state. Step ranges are inclusive. Threads: [inst]; a run can have several readers.
class RunReader {
 public:
  /// `path` is a run directory or a database file. Throws Error: kNotFound, kDamaged (not a run
  /// database), kBusy (a run on a network file system is going on), kIo.
  explicit RunReader(const std::filesystem::path& path);
  ~RunReader();
  RunReader(RunReader&&) noexcept;
  RunReader& operator=(RunReader&&) noexcept;

  /// The schema version of the file. If it is newer than this program, `warning` says so.
  [[nodiscard]] int64_t schema_version() const;
  [[nodiscard]] const std::string& warning() const;

  /// 'run_uuid', 'created_utc_ns', 'resume_replayed_steps', 'resume_mismatch_steps', ...
  [[nodiscard]] std::map<std::string, std::string> meta();
  [[nodiscard]] std::vector<ConfigRevision> configs();
  [[nodiscard]] std::vector<Segment> segments();

  [[nodiscard]] std::vector<MetricName> metric_names();
  /// Throws Error(kNotFound) for an unknown name, like every call that takes a name.
  [[nodiscard]] std::vector<MetricPoint> series(std::string_view metric, int64_t first_step = 0,
                                                int64_t last_step = INT64_MAX);
  /// At most max_points buckets; where they fit, the values themselves as buckets of one step.
  [[nodiscard]] std::vector<MetricBucket> series_reduced(std::string_view metric,
                                                         int64_t first_step, int64_t last_step,
                                                         int64_t max_points);
  /// The last step of the newest segment that has any; empty before the first step.
  [[nodiscard]] std::optional<int64_t> latest_step();
  [[nodiscard]] std::vector<StepTime> step_times(int64_t first_step = 0,
                                                 int64_t last_step = INT64_MAX);

  [[nodiscard]] std::vector<Layer> layers();
  /// The steps whose full-resolution blob is still there.
  [[nodiscard]] std::vector<int64_t> expert_steps(std::string_view layer);
  /// Empty if the step was not logged or was thinned out. Throws Error(kDamaged), naming layer and
  /// step, if the bytes do not match their checksum.
  [[nodiscard]] std::optional<ExpertBlob> experts(std::string_view layer, int64_t step);
  [[nodiscard]] std::vector<ExpertSummary> expert_summaries(std::string_view layer,
                                                            int64_t first_step = 0,
                                                            int64_t last_step = INT64_MAX);
  /// At most max_columns columns, at the finest level that fits. Throws Error(kDamaged) like
  /// experts().
  [[nodiscard]] HeatMap heat_map(std::string_view layer, int64_t first_step, int64_t last_step,
                                 int64_t max_columns);

  /// All checkpoints, including deleted ones, oldest first.
  [[nodiscard]] std::vector<Checkpoint> checkpoints();
  /// Events with an id above after_id, oldest first, at most `limit`.
  [[nodiscard]] std::vector<Event> events(int64_t after_id = 0, int64_t limit = 1000);
  /// Steps and metrics after after_step, events after after_event; at most max_steps steps per
  /// call. A resume rewrites older steps: when segments() grows, start again just before the new
  /// start_step.
  [[nodiscard]] LiveTail tail(int64_t after_step, int64_t after_event, int64_t max_steps = 1000);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace switchyard::storage
