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

/// An engine's pool of threads. Idle threads sleep; they do not spin.
class ThreadPool {
 public:
  /// num_threads counts the calling thread; 0 means one per core this process may use.
  explicit ThreadPool(int num_threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] int num_threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls body(begin, end) for consecutive ranges that cover [0, count), each `grain` long except
  /// the last, and returns when all are done. Free threads take the ranges in order, so a body must
  /// write only within its range. Rethrows the first exception of a body. A call from inside a body
  /// runs on the calling thread alone.
  /// Threads: one call at a time per pool; others wait.
  void parallel_for(int64_t count, int64_t grain, FunctionRef<void(int64_t, int64_t)> body);

 private:
  struct Job;
  void work();
  static void run_ranges(Job& job);

  std::vector<std::thread> workers_;
  std::mutex caller_;  // held during a parallel_for
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  std::atomic<uint64_t> generation_{0};
  Job* job_ = nullptr;
  bool stopping_ = false;
};

}  // namespace switchyard::core
