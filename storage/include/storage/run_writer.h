#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <storage/error.h>
#include <storage/run_types.h>
#include <string>
#include <string_view>

namespace switchyard::storage {

/// How the database keeps a transaction safe until it is complete.
enum class JournalMode {
  kAuto,    // kWal, except on a network file system
  kWal,     // write-ahead log: readers and the writer do not wait for each other
  kDelete,  // rollback journal and an exclusive lock: no reader while the run goes on
};

/// Whether a repeated step must produce the same bits.
enum class MetricKind {
  kDeterministic,  // compared by the replay audit
  kTiming,         // clocks, memory, speed: overwritten silently
};

/// A message for the operator while the run goes on.
struct Notice {
  int level = 2;     // 1 information, 2 warning, 3 error
  std::string code;  // stable: "metrics_paused", "metrics_resumed", "run_db_damaged", ...
  std::string message;
};

/// Limits and intervals of a RunWriter.
struct WriterOptions {
  int64_t queue_bytes = 64 << 20;       // when full, expert blobs shrink to tiles and summaries
  int64_t reserve_bytes = 64 << 20;     // beyond queue_bytes, for everything but expert blobs
  int64_t blob_budget_bytes = 1 << 30;  // on disk; beyond it, the oldest blobs are thinned out
  std::chrono::milliseconds commit_interval{250};
  int64_t commit_steps = 64;
  /// The first wait after a failed commit; it doubles up to 10 s.
  std::chrono::milliseconds retry_interval{500};
  JournalMode journal = JournalMode::kAuto;
  /// Called on the writer's own thread or in the constructor. Must not call the writer.
  std::function<void(const Notice&)> on_notice;
};

/// Recorded when a run starts or resumes.
struct SegmentStart {
  std::string config_toml;              // resolved
  std::optional<Sha256> config_sha256;  // computed from config_toml when absent
  std::string config_origin = "start";
  int64_t start_step = 1;  // the first step that will run
  std::string host;
  std::string boot_id;
  std::string engine;  // version
  int64_t world = 1;
  std::optional<int64_t> from_checkpoint;  // its step
  std::string reason;                      // "start", "resume", "restart after exit 139"
};

/// One logged step of one layer. RunWriter copies the views.
struct ExpertSample {
  std::string_view layer;  // declared by RunWriter::layer
  int64_t step = 0;
  std::span<const float> importance;  // [num_experts]
  std::span<const float> load;        // [num_experts], smooth or hard
  std::span<const int32_t> tokens;    // [num_experts] hard counts; empty: `load` is used
  int64_t dropped = 0;                // tokens over capacity
};

/// How recording is going.
struct WriterStatus {
  bool is_paused = false;      // the disk fails: items stay in memory and are retried
  int64_t queued_bytes = 0;    // not yet committed
  int64_t dropped_blobs = 0;   // expert blobs dropped because the queue was full
  int64_t dropped_items = 0;   // other items dropped after reserve_bytes ran out
  int64_t rejected_items = 0;  // items that the database refused
};

/// Writes a run's `run.db`. A run has one writer; a second one is refused. Every call except
/// flush() and close() returns at once: a thread does the work and commits every 250 ms or 64
/// steps. A full or failing disk pauses recording, never training: items wait in memory, within
/// bounds, until the disk accepts them.
///
/// Replay audit: a step that is logged again after a resume is compared bit by bit with the stored
/// one. Meta 'resume_replayed_steps' counts these steps, 'resume_mismatch_steps' those that differ.
///
/// Threads: [any].
class RunWriter {
 public:
  /// Opens or creates `run_dir`/run.db. A damaged file is moved to run.db.damaged-<utc> and a new
  /// one started, with a notice and an event "run_db_damaged".
  /// Throws Error: kReadOnly or kIo if the file cannot be created, kBusy if another process writes
  /// it, kTooNew if a newer Switchyard wrote it.
  explicit RunWriter(const std::filesystem::path& run_dir, WriterOptions options = {});

  /// Calls close(). Loses nothing that the disk accepts.
  ~RunWriter();
  RunWriter(const RunWriter&) = delete;
  RunWriter& operator=(const RunWriter&) = delete;

  /// Begins a segment. Earlier segments that never ended are marked "lost".
  void begin_segment(const SegmentStart& start);

  /// Ends the current segment. exit_kind: "done", "stopped", "failed", "requeued".
  void end_segment(int64_t end_step, std::string_view exit_kind, int64_t exit_code);

  /// Sets an entry of the table `meta`.
  void meta(std::string_view key, std::string_view value);

  /// Records one value. NaN and infinities are kept. The first call for a name fixes its unit.
  void metric(std::string_view name, std::string_view unit, int64_t step, double value,
              MetricKind kind = MetricKind::kDeterministic);

  /// Records when a step ended and how many tokens it had. Call it for every step: verify_run()
  /// looks for gaps.
  void step_time(int64_t step, int64_t utc_ns, int64_t mono_ns, int64_t tokens);

  /// Declares a layer. Call it after every start, before the first experts() of the layer.
  void layer(std::string_view name, int64_t num_experts, int64_t top_k);

  /// Records importance and load of all experts of a layer at a step: in full within the budget,
  /// and always as tiles and a summary. Throws Error(kInvalid) for an undeclared layer or a wrong
  /// size.
  void experts(const ExpertSample& sample);

  /// Records a checkpoint that is completely on disk. Commits and syncs at once (synchronous=FULL).
  void checkpoint(int64_t step, std::string_view dir, int64_t bytes, const Sha256& manifest_sha256);

  /// Records that the checkpoint in `dir` has been deleted.
  void checkpoint_deleted(std::string_view dir);

  /// level: 1 information, 2 warning, 3 error. code: stable, such as "checkpoint_failed".
  void event(std::optional<int64_t> step, int level, std::string_view code,
             std::string_view message, std::string_view detail = {});

  /// Waits until everything logged before is committed. False if the disk fails (the items stay in
  /// memory) or the writer is closed. What is committed survives a killed process; only a
  /// checkpoint row is certain to survive a power failure.
  bool flush();

  /// Commits what is left and turns run.db into one plain file without a log beside it. Idempotent.
  void close();

  [[nodiscard]] WriterStatus status() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace switchyard::storage
