#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <vector>

#include "item.h"

namespace switchyard::storage {

/// What stands between the callers and the writing thread: bounded, and never a wait for callers.
class WriterQueue {
 public:
  struct Limits {
    int64_t queue_bytes;    // above it an expert item keeps only its tile and summary
    int64_t reserve_bytes;  // beyond it other items are dropped
    int64_t commit_steps;
    std::chrono::milliseconds commit_interval;
  };

  /// What the queue had to give up so far.
  struct Losses {
    int64_t blobs = 0;
    int64_t items = 0;
  };

  explicit WriterQueue(const Limits& limits) : limits_(limits) {}

  /// Callers' side. Threads: [any]. After close() items are counted as lost.
  void push(Item item);
  /// True when everything pushed before is committed; false after a failed attempt or the end.
  bool flush();
  /// No more items; the writing thread is to finish.
  void close();
  [[nodiscard]] int64_t queued_bytes() const;
  [[nodiscard]] Losses losses() const;

  /// Writer's side. Threads: one.
  /// Waits for work worth a commit. False when closed and empty. The batch counts as queued until
  /// committed() or given_up().
  bool take(std::vector<Item>& batch);
  /// The batch taken last is on disk.
  void committed();
  /// The batch taken last will never be: closing, and the disk refuses.
  void given_up();
  /// An attempt to commit failed; wakes flush().
  void failed();
  /// Waits before the next attempt, until flush() or close() ask for one. False when closed.
  bool wait_to_retry(std::chrono::milliseconds delay);
  /// Nothing will be committed any more.
  void finished();

 private:
  [[nodiscard]] bool is_due() const;
  void settle_batch();

  const Limits limits_;
  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable done_;
  std::vector<Item> items_;
  int64_t items_bytes_ = 0;
  int64_t items_steps_ = 0;
  int64_t batch_size_ = 0;
  int64_t batch_bytes_ = 0;
  int64_t pushed_ = 0;
  int64_t settled_ = 0;
  int64_t failures_ = 0;
  bool is_urgent_ = false;
  bool is_closed_ = false;
  bool is_finished_ = false;
  Losses losses_;
};

}  // namespace switchyard::storage
