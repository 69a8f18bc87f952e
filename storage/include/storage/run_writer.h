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

enum class JournalMode {
  kAuto,    // write-ahead log, except on a network file system
  kWal,     // readers and the writer do not wait for each other
  kDelete,  // rollback journal and an exclusive lock: nobody reads while the run goes on
};

/// Whether a second run of the same step must give the same bits.
enum class MetricKind {
  kDeterministic,  // compared by the replay audit
  kTiming,         // clocks, memory, speed: overwritten without a word
};

/// Something the operator should hear about while the run goes on.
struct Notice {
  int level = 2;     // 1 information, 2 warning, 3 error
  std::string code;  // stable: "metrics_paused", "metrics_resumed", "run_db_damaged", ...
  std::string message;
};

struct WriterOptions {
  int64_t queue_bytes = 64 << 20;       // full: expert blobs shrink to tiles and summaries
  int64_t reserve_bytes = 64 << 20;     // beyond queue_bytes, for everything but expert blobs
  int64_t blob_budget_bytes = 1 << 30;  // on disk; above it the oldest expert blobs are thinned
  std::chrono::milliseconds commit_interval{250};
  int64_t commit_steps = 64;
  std::chrono::milliseconds retry_interval{
      500};  // first wait after a failed commit; doubles to 10 s
  JournalMode journal = JournalMode::kAuto;
  /// Called on the writer's own thread, or in the constructor; must not call the writer.
  std::function<void(const Notice&)> on_notice;
};

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

/// One logged step of one layer. The views are copied.
struct ExpertSample {
  std::string_view layer;  // declared by RunWriter::layer
  int64_t step = 0;
  std::span<const float> importance;  // [num_experts]
  std::span<const float> load;        // [num_experts], smooth or hard
  std::span<const int32_t> tokens;    // [num_experts] hard counts; empty: `load` stands in
  int64_t dropped = 0;                // tokens over capacity
};

struct WriterStatus {
  bool is_paused = false;      // the disk refuses: kept in memory and tried again
  int64_t queued_bytes = 0;    // not yet committed
  int64_t dropped_blobs = 0;   // expert blobs that the queue had no room for
  int64_t dropped_items = 0;   // anything else, after reserve_bytes was used up too
  int64_t rejected_items = 0;  // the database refused them
};

/// Writes a run's `run.db`. One per run: a second writer is refused. Every call except flush and
/// close returns at once: the work is done by a thread that commits every 250 ms or 64 steps. A
/// full or failing disk pauses recording, never training: what was logged waits in memory, within
/// bounds, until the disk accepts it.
///
/// Replay audit: a step that is logged again after a resume is compared, bit by bit, with what was
/// stored; meta 'resume_replayed_steps' counts the steps, 'resume_mismatch_steps' those that
/// differ.
///
/// Threads: [any].
class RunWriter {
 public:
  /// Opens or creates `run_dir`/run.db. A damaged one is moved aside (run.db.damaged-<utc>) and a
  /// new one begun, with a notice and an event "run_db_damaged".
  /// Throws Error: kReadOnly, kIo where it cannot be created; kBusy when another process writes it;
  /// kTooNew when a newer Switchyard wrote it.
  explicit RunWriter(const std::filesystem::path& run_dir, WriterOptions options = {});

  /// Closes; loses nothing that the disk accepts.
  ~RunWriter();
  RunWriter(const RunWriter&) = delete;
  RunWriter& operator=(const RunWriter&) = delete;

  /// Begins a segment. Segments that never ended are marked "lost".
  void begin_segment(const SegmentStart& start);

  /// Ends the current segment. exit_kind: "done", "stopped", "failed", "requeued".
  void end_segment(int64_t end_step, std::string_view exit_kind, int64_t exit_code);

  /// Sets an entry of the table `meta`.
  void meta(std::string_view key, std::string_view value);

  /// One value. NaN and infinities are kept. The first call of a name fixes its unit.
  void metric(std::string_view name, std::string_view unit, int64_t step, double value,
              MetricKind kind = MetricKind::kDeterministic);

  /// When a step ended, and the tokens it had. Call it for every step: verify_run looks for gaps.
  void step_time(int64_t step, int64_t utc_ns, int64_t mono_ns, int64_t tokens);

  /// Declares a layer; after every start, before its first experts().
  void layer(std::string_view name, int64_t num_experts, int64_t top_k);

  /// Importance and load of all experts of a layer at a step: kept in full within the budget, and
  /// always as tiles and as a summary. Throws Error(kInvalid) on an undeclared layer or wrong size.
  void experts(const ExpertSample& sample);

  /// A checkpoint that is completely on disk. Committed at once and synced (synchronous=FULL).
  void checkpoint(int64_t step, std::string_view dir, int64_t bytes, const Sha256& manifest_sha256);

  /// Retention has deleted the checkpoint in `dir`.
  void checkpoint_deleted(std::string_view dir);

  /// level: 1 information, 2 warning, 3 error. code: stable, such as "checkpoint_failed".
  void event(std::optional<int64_t> step, int level, std::string_view code,
             std::string_view message, std::string_view detail = {});

  /// Waits until all that was logged before is committed. False when the disk refuses (it stays in
  /// memory) or the writer is closed. A true answer survives a killed process; only a checkpoint
  /// row is certain to survive a power failure.
  bool flush();

  /// Commits what is left and turns run.db into one plain file (no log beside it). Idempotent.
  void close();

  [[nodiscard]] WriterStatus status() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace switchyard::storage
