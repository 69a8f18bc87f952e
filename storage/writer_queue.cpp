#include "writer_queue.h"

namespace switchyard::storage {
namespace {

constexpr int64_t kLargeBatchBytes = 8 << 20;

/// Commits without waiting for more.
bool is_urgent(const Item& item) {
  return std::holds_alternative<CheckpointItem>(item) ||
         std::holds_alternative<SegmentItem>(item) || std::holds_alternative<SegmentEndItem>(item);
}

void drop_blob(ExpertItem& experts) {
  reduce(experts);
  experts.importance = {};
  experts.load = {};
  experts.tokens = {};
}

}  // namespace

void WriterQueue::push(Item item) {
  int64_t bytes = bytes_of(item);
  if (auto* experts = std::get_if<ExpertItem>(&item)) {
    bool is_full = false;
    {
      const std::lock_guard lock(mutex_);
      is_full = items_bytes_ + batch_bytes_ + bytes > limits_.queue_bytes;
      losses_.blobs += is_full ? 1 : 0;
    }
    if (is_full) {
      drop_blob(*experts);
      bytes = bytes_of(item);
    }
  }
  const bool is_rare = is_urgent(item);
  {
    const std::lock_guard lock(mutex_);
    const int64_t room = limits_.queue_bytes + limits_.reserve_bytes - items_bytes_ - batch_bytes_;
    if (is_closed_ || (bytes > room && !is_rare)) {
      ++losses_.items;
      return;
    }
    items_steps_ += std::holds_alternative<StepItem>(item) ? 1 : 0;
    items_bytes_ += bytes;
    ++pushed_;
    is_urgent_ = is_urgent_ || is_rare;
    items_.push_back(std::move(item));
  }
  work_.notify_one();
}

bool WriterQueue::flush() {
  std::unique_lock lock(mutex_);
  const int64_t target = pushed_;
  const int64_t failures_before = failures_;
  is_urgent_ = true;
  work_.notify_one();
  done_.wait(lock,
             [&] { return settled_ >= target || failures_ != failures_before || is_finished_; });
  return settled_ >= target;
}

void WriterQueue::close() {
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  work_.notify_one();
}

int64_t WriterQueue::queued_bytes() const {
  const std::lock_guard lock(mutex_);
  return items_bytes_ + batch_bytes_;
}

WriterQueue::Losses WriterQueue::losses() const {
  const std::lock_guard lock(mutex_);
  return losses_;
}

bool WriterQueue::is_due() const {
  return is_urgent_ || is_closed_ || items_steps_ >= limits_.commit_steps ||
         items_bytes_ >= kLargeBatchBytes;
}

bool WriterQueue::take(std::vector<Item>& batch) {
  std::unique_lock lock(mutex_);
  batch.clear();
  work_.wait(lock, [&] { return !items_.empty() || is_closed_; });
  // A deadline of our own, by the monotonic clock, however often callers wake us.
  const auto deadline = std::chrono::steady_clock::now() + limits_.commit_interval;
  work_.wait_until(lock, deadline, [&] { return is_due(); });
  if (items_.empty()) {
    return false;
  }
  batch.swap(items_);
  batch_size_ = static_cast<int64_t>(batch.size());
  batch_bytes_ = items_bytes_;
  items_bytes_ = 0;
  items_steps_ = 0;
  is_urgent_ = false;
  return true;
}

void WriterQueue::settle_batch() {
  batch_bytes_ = 0;
  batch_size_ = 0;
}

void WriterQueue::committed() {
  const std::lock_guard lock(mutex_);
  settled_ += batch_size_;
  settle_batch();
  done_.notify_all();
}

void WriterQueue::given_up() {
  const std::lock_guard lock(mutex_);
  losses_.items += batch_size_;
  settle_batch();
}

void WriterQueue::failed() {
  const std::lock_guard lock(mutex_);
  ++failures_;
  is_urgent_ = false;
  done_.notify_all();
}

bool WriterQueue::wait_to_retry(std::chrono::milliseconds delay) {
  std::unique_lock lock(mutex_);
  const auto deadline = std::chrono::steady_clock::now() + delay;
  work_.wait_until(lock, deadline, [&] { return is_urgent_ || is_closed_; });
  is_urgent_ = false;
  return !is_closed_;
}

void WriterQueue::finished() {
  const std::lock_guard lock(mutex_);
  is_finished_ = true;
  done_.notify_all();
}

}  // namespace switchyard::storage
