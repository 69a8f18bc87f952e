#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>

#include "data/batch.h"
#include "data/batch_source.h"
#include "data/cursor.h"

namespace switchyard::data {

/// Prepares the next two batches of a BatchSource on its own thread, in three buffers that it
/// reuses. Threads: [inst].
class Prefetcher {
 public:
  explicit Prefetcher(BatchSource source);
  ~Prefetcher();
  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;

  /// The next batch, valid until the next call. Blocks until it is ready. Once the batches before
  /// it are handed out, rethrows an exception of the source, at every call.
  [[nodiscard]] const Batch& next();

  /// Where the batch after the one handed out last starts. Belongs in a checkpoint.
  [[nodiscard]] const DataCursor& cursor() const { return cursor_; }
  /// Drops the prepared batches and continues at the cursor. Throws as BatchSource::seek() does;
  /// then it continues where it was.
  void seek(const DataCursor& cursor);

 private:
  struct Slot {
    Batch batch;
    DataCursor after;
  };
  static constexpr size_t kNumSlots = 3;
  static constexpr size_t kNumAhead = 2;

  void start();
  void stop();
  void run();

  BatchSource source_;  // used by the thread while it runs, except for its constant parts
  std::array<Slot, kNumSlots> slots_;
  DataCursor cursor_;
  size_t last_ = kNumSlots - 1;  // the slot handed out; those after it are ready
  std::mutex mutex_;             // guards the members below
  std::condition_variable changed_;
  size_t num_ready_ = 0;
  bool stopping_ = false;
  std::exception_ptr error_;
  std::thread thread_;
};

}  // namespace switchyard::data
