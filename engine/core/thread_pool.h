#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "core/function_ref.h"

namespace switchyard::core {

/// The one pool of threads of an engine. Idle threads sleep; they do not spin.
class ThreadPool {
 public:
  /// num_threads counts the calling thread; 0 means one per core this process may use.
  explicit ThreadPool(int num_threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] int num_threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls body(begin, end) over consecutive ranges that cover [0, count), each `grain` long but
  /// for the last, and returns when all are done. Threads take the ranges in order as they become
  /// free, so a body must write only what belongs to its range. The first exception of a body is
  /// rethrown here. A call from inside a body runs on the calling thread alone. Threads: one call
  /// at a time per pool (others wait).
  void parallel_for(int64_t count, int64_t grain, FunctionRef<void(int64_t, int64_t)> body);

 private:
  struct Job;
  void work();
  static void run_ranges(Job& job);

  std::vector<std::thread> workers_;
  std::mutex caller_;  // held for the length of one parallel_for
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  std::atomic<uint64_t> generation_{0};
  Job* job_ = nullptr;
  bool stopping_ = false;
};

}  // namespace switchyard::core
