#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <vector>

#include "item.h"

namespace switchyard::storage {

/// The queue between the callers and the writing thread. It is bounded and never blocks a caller.
class WriterQueue {
 public:
  /// Sizes at which the queue sheds load, and how often it commits.
  struct Limits {
    int64_t queue_bytes;    // beyond it, an expert item keeps only its tile and summary
    int64_t reserve_bytes;  // beyond queue_bytes plus this, other items are dropped
    int64_t commit_steps;
    std::chrono::milliseconds commit_interval;
  };

  /// The items dropped so far.
  struct Losses {
    int64_t blobs = 0;
    int64_t items = 0;
  };

  explicit WriterQueue(const Limits& limits) : limits_(limits) {}

  // The callers' side. Threads: [any].

  /// Adds an item; after close() it counts as lost.
  void push(Item item);
  /// Waits until everything pushed before is committed. False after a failed attempt or the end.
  bool flush();
  /// Takes no more items; the writing thread then finishes.
  void close();
  [[nodiscard]] int64_t queued_bytes() const;
  [[nodiscard]] Losses losses() const;

  // The writer's side. Threads: one.

  /// Waits until a commit is due and takes what is queued; false when closed and empty. The batch
  /// counts as queued until committed() or given_up().
  bool take(std::vector<Item>& batch);
  /// Reports that the batch taken last is on disk.
  void committed();
  /// Reports that the batch taken last will never be written: the disk fails while closing.
  void given_up();
  /// Reports a failed attempt to commit; wakes flush().
  void failed();
  /// Waits before the next attempt, at most until flush() or close(). False when closed.
  bool wait_to_retry(std::chrono::milliseconds delay);
  /// Reports that nothing more will be committed.
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
