#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <storage/run_writer.h>
#include <system_error>
#include <thread>
#include <utility>

#include "fail.h"
#include "recorder.h"
#include "run_file.h"
#include "writer_queue.h"

namespace switchyard::storage {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kLongestRetry{10'000};
constexpr int64_t kLargeLogBytes = 256 << 20;

fs::path made_directory(const fs::path& run_dir) {
  std::error_code error;
  fs::create_directories(run_dir, error);
  if (error) {
    const bool is_refused = error == std::errc::permission_denied ||
                            error == std::errc::operation_not_permitted ||
                            error == std::errc::read_only_file_system;
    fail(is_refused ? ErrorCode::kReadOnly : ErrorCode::kIo, "create {}: {}", run_dir.string(),
         error.message());
  }
  return fs::absolute(run_dir);
}

EventItem event_of(const Notice& notice) {
  return {{0, utc_now_ns(), std::nullopt, notice.level, notice.code, notice.message, {}}};
}

}  // namespace

class RunWriter::Impl {
 public:
  Impl(const fs::path& run_dir, WriterOptions options)
      : options_(std::move(options)),
        run_dir_(made_directory(run_dir)),
        file_(run_dir_ / "run.db"),
        lock_(std::in_place, run_dir_),
        queue_({options_.queue_bytes, options_.reserve_bytes, options_.commit_steps,
                options_.commit_interval}) {
    open();
    thread_ = std::thread([this] { work(); });
  }

  ~Impl() { close(); }

  void push(Item item) { queue_.push(std::move(item)); }
  bool flush() { return queue_.flush(); }

  void close() {
    const std::lock_guard lock(close_mutex_);
    queue_.close();
    if (thread_.joinable()) {
      thread_.join();
    }
    lock_.reset();
  }

  void declare(std::string_view name, int64_t num_experts) {
    const std::lock_guard lock(layers_mutex_);
    layer_sizes_.insert_or_assign(std::string(name), num_experts);
  }

  [[nodiscard]] int64_t size_of_layer(std::string_view name) const {
    const std::lock_guard lock(layers_mutex_);
    const auto found = layer_sizes_.find(name);
    return found == layer_sizes_.end() ? -1 : found->second;
  }

  [[nodiscard]] WriterStatus status() const {
    const WriterQueue::Losses losses = queue_.losses();
    return {is_paused_.load(), queue_.queued_bytes(), losses.blobs, losses.items,
            rejected_items_.load()};
  }

 private:
  void notify(const Notice& notice) {
    if (options_.on_notice) {
      options_.on_notice(notice);
    }
  }

  /// Notifies the operator now and records an event with the next batch.
  void announce(const Notice& notice) {
    pending_events_.push_back(event_of(notice));
    notify(notice);
  }

  void open() {
    std::vector<Notice> notices;
    Database db = open_for_writing(file_, options_.journal, notices);
    recorder_ = std::make_unique<Recorder>(std::move(db), options_.blob_budget_bytes);
    for (const Notice& notice : notices) {
      announce(notice);
    }
  }

  /// Replaces a file damaged during the run by a new one that knows the segment and layers.
  void reopen() {
    open();
    std::vector<Item> prelude;
    if (segment_) {
      prelude.emplace_back(*segment_);
    }
    for (const auto& [name, layer] : layers_) {
      prelude.emplace_back(layer);
    }
    recorder_->write(prelude);
  }

  void replace_damaged(const std::string& reason) {
    recorder_.reset();
    const std::string name = set_aside(file_);
    announce({3, "run_db_damaged",
              fmt::format("{}; kept as {}, recording goes on in a new run.db", reason, name)});
  }

  void work() {
    std::vector<Item> batch;
    while (queue_.take(batch)) {
      add_losses();
      batch.insert(batch.end(), pending_events_.begin(), pending_events_.end());
      pending_events_.clear();
      write_until_it_succeeds(batch);
    }
    finish();
    queue_.finished();
  }

  void write_until_it_succeeds(std::vector<Item>& batch) {
    std::chrono::milliseconds delay = options_.retry_interval;
    bool is_open = true;
    while (!try_write(batch)) {
      if (!is_open) {
        queue_.given_up();
        return;
      }
      is_open = queue_.wait_to_retry(delay);
      delay = std::min(2 * delay, kLongestRetry);
    }
    remember(batch);
    queue_.committed();
    after_commit();
  }

  bool try_write(std::vector<Item>& batch) {
    try {
      if (recorder_ == nullptr) {
        reopen();
      }
      recorder_->write(batch);
      return true;
    } catch (const Error& error) {
      pause(error);
    } catch (const std::exception& error) {  // no memory
      pause(Error(ErrorCode::kIo, error.what()));
    }
    queue_.failed();
    return false;
  }

  void pause(const Error& error) {
    if (error.code() == ErrorCode::kDamaged) {
      try {
        replace_damaged(error.what());
      } catch (const Error&) {  // NOLINT(bugprone-empty-catch): it is retried
        // The directory fails as well: the next attempt tries again.
      }
    }
    if (!is_paused_.exchange(true)) {
      announce({3, "metrics_paused",
                fmt::format("recording waits in memory, training goes on: {}", error.what())});
    }
  }

  /// Keeps the segment and the layers in case a new file needs them.
  void remember(const std::vector<Item>& batch) {
    for (const Item& item : batch) {
      if (const auto* segment = std::get_if<SegmentItem>(&item)) {
        segment_ = *segment;
      } else if (const auto* layer = std::get_if<LayerItem>(&item)) {
        layers_[layer->name] = *layer;
      }
    }
  }

  void after_commit() {
    rejected_items_ = recorder_->rejected_items();
    for (const Notice& notice : recorder_->take_notices()) {
      notify(notice);
    }
    if (is_paused_.exchange(false)) {
      announce({1, "metrics_resumed", "recording goes on"});
    }
    const int64_t log_bytes = recorder_->log_bytes();
    if (log_bytes > kLargeLogBytes && !is_log_large_) {
      announce(
          {2, "wal_large",
           fmt::format("the log of run.db has {} bytes: a reader has held it open for a long time",
                       log_bytes)});
    }
    is_log_large_ = log_bytes > kLargeLogBytes;
  }

  void add_losses() {
    const WriterQueue::Losses losses = queue_.losses();
    if (losses.blobs > told_.blobs) {
      announce(
          {2, "expert_blobs_dropped",
           fmt::format("{} expert blobs found the queue full; their tiles and summaries are kept",
                       losses.blobs - told_.blobs)});
    }
    if (losses.items > told_.items) {
      announce({3, "metrics_lost",
                fmt::format("{} values found no room in memory", losses.items - told_.items)});
    }
    told_ = losses;
  }

  void finish() {
    add_losses();
    std::vector<Item> last(pending_events_.begin(), pending_events_.end());
    try {
      if (recorder_ != nullptr) {
        if (!last.empty()) {
          recorder_->write(last);
        }
        recorder_->finish();
      }
    } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): it was announced
      // The operator has been told; the file stays as the last commit left it.
    }
    recorder_.reset();
  }

  const WriterOptions options_;
  const fs::path run_dir_;
  const fs::path file_;
  std::optional<RunLock> lock_;
  WriterQueue queue_;

  mutable std::mutex layers_mutex_;
  std::map<std::string, int64_t, std::less<>> layer_sizes_;

  // Used by the writing thread alone once it runs.
  std::unique_ptr<Recorder> recorder_;
  std::vector<EventItem> pending_events_;
  std::optional<SegmentItem> segment_;
  std::map<std::string, LayerItem> layers_;
  WriterQueue::Losses told_;
  bool is_log_large_ = false;

  std::atomic<bool> is_paused_{false};
  std::atomic<int64_t> rejected_items_{0};
  std::mutex close_mutex_;
  std::thread thread_;
};

RunWriter::RunWriter(const fs::path& run_dir, WriterOptions options)
    : impl_(std::make_unique<Impl>(run_dir, std::move(options))) {
}

RunWriter::~RunWriter() = default;

void RunWriter::begin_segment(const SegmentStart& start) {
  impl_->push(SegmentItem{start, utc_now_ns()});
}

void RunWriter::end_segment(int64_t end_step, std::string_view exit_kind, int64_t exit_code) {
  impl_->push(SegmentEndItem{end_step, std::string(exit_kind), exit_code, utc_now_ns()});
}

void RunWriter::meta(std::string_view key, std::string_view value) {
  impl_->push(MetaItem{std::string(key), std::string(value)});
}

void RunWriter::metric(std::string_view name, std::string_view unit, int64_t step, double value,
                       MetricKind kind) {
  impl_->push(MetricItem{std::string(name), std::string(unit), step, value, kind});
}

void RunWriter::step_time(int64_t step, int64_t utc_ns, int64_t mono_ns, int64_t tokens) {
  impl_->push(StepItem{{step, 0, utc_ns, mono_ns, tokens}});
}

void RunWriter::layer(std::string_view name, int64_t num_experts, int64_t top_k) {
  if (num_experts < 1) {
    fail(ErrorCode::kInvalid, "layer: '{}' must have at least 1 expert, got {}", name, num_experts);
  }
  impl_->declare(name, num_experts);
  impl_->push(LayerItem{std::string(name), num_experts, top_k});
}

void RunWriter::experts(const ExpertSample& sample) {
  const int64_t declared = impl_->size_of_layer(sample.layer);
  if (declared < 0) {
    fail(ErrorCode::kInvalid, "experts: layer '{}' must be declared by layer() first",
         sample.layer);
  }
  const auto has = [&](size_t size) { return static_cast<int64_t>(size) == declared; };
  if (!has(sample.importance.size()) || !has(sample.load.size()) ||
      (!sample.tokens.empty() && !has(sample.tokens.size()))) {
    fail(ErrorCode::kInvalid,
         "experts: layer '{}' was declared with {} experts, got importance of {}, load of {}, "
         "tokens of {}",
         sample.layer, declared, sample.importance.size(), sample.load.size(),
         sample.tokens.size());
  }
  impl_->push(ExpertItem{std::string(sample.layer),
                         sample.step,
                         sample.dropped,
                         {sample.importance.begin(), sample.importance.end()},
                         {sample.load.begin(), sample.load.end()},
                         {sample.tokens.begin(), sample.tokens.end()},
                         std::nullopt});
}

void RunWriter::checkpoint(int64_t step, std::string_view dir, int64_t bytes,
                           const Sha256& manifest_sha256) {
  impl_->push(CheckpointItem{
      {0, step, utc_now_ns(), std::string(dir), bytes, manifest_sha256, "complete"}});
}

void RunWriter::checkpoint_deleted(std::string_view dir) {
  impl_->push(CheckpointDeletedItem{std::string(dir)});
}

void RunWriter::event(std::optional<int64_t> step, int level, std::string_view code,
                      std::string_view message, std::string_view detail) {
  impl_->push(EventItem{{0, utc_now_ns(), step, level, std::string(code), std::string(message),
                         std::string(detail)}});
}

bool RunWriter::flush() {
  return impl_->flush();
}

void RunWriter::close() {
  impl_->close();
}

WriterStatus RunWriter::status() const {
  return impl_->status();
}

}  // namespace switchyard::storage
