#include "data/prefetcher.h"

#include <utility>

namespace switchyard::data {

Prefetcher::Prefetcher(BatchSource source) : source_(std::move(source)), cursor_(source_.cursor()) {
  start();
}

Prefetcher::~Prefetcher() {
  stop();
}

void Prefetcher::start() {
  stopping_ = false;
  num_ready_ = 0;
  error_ = nullptr;
  thread_ = std::thread([this] { run(); });
}

void Prefetcher::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Prefetcher::run() {
  // The slot to fill advances by one per batch, whatever next() does meanwhile.
  for (size_t fill = (last_ + 1) % kNumSlots;; fill = (fill + 1) % kNumSlots) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || num_ready_ < kNumAhead; });
      if (stopping_) {
        return;
      }
    }
    std::exception_ptr error;
    try {
      source_.next(slots_[fill].batch);
      slots_[fill].after = source_.cursor();
    } catch (...) {
      error = std::current_exception();
    }
    {
      const std::lock_guard lock(mutex_);
      error_ = error;
      num_ready_ += error ? 0 : 1;
    }
    changed_.notify_all();
    if (error) {
      return;
    }
  }
}

const Batch& Prefetcher::next() {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return num_ready_ > 0 || error_; });
    if (num_ready_ == 0) {
      std::rethrow_exception(error_);
    }
    --num_ready_;
    last_ = (last_ + 1) % kNumSlots;
  }
  // The previous slot is free only now: the thread fills at most two slots ahead.
  changed_.notify_all();
  cursor_ = slots_[last_].after;
  return slots_[last_].batch;
}

void Prefetcher::seek(const DataCursor& cursor) {
  stop();
  try {
    source_.seek(cursor);
  } catch (...) {
    source_.seek(cursor_);
    start();
    throw;
  }
  cursor_ = cursor;
  start();
}

}  // namespace switchyard::data
