#include "core/thread_pool.h"

#include <algorithm>
#include <sched.h>

#include "core/error.h"

namespace switchyard::core {

struct ThreadPool::Job {
  FunctionRef<void(int64_t, int64_t)> body;
  int64_t count;
  int64_t grain;
  std::atomic<int64_t> next{0};
  int busy_workers = 0;  // guarded by the pool's mutex
  std::mutex failure_mutex;
  std::exception_ptr failure;
};

namespace {

thread_local bool inside_body = false;

int available_cores() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0) {
    return std::max(1, CPU_COUNT(&allowed));
  }
  return std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace

ThreadPool::ThreadPool(int num_threads) {
  require(num_threads >= 0, "ThreadPool: num_threads must be 0 (all cores) or more, got ",
          num_threads);
  const int total = num_threads == 0 ? available_cores() : num_threads;
  workers_.reserve(static_cast<size_t>(total - 1));
  for (int i = 1; i < total; ++i) {
    workers_.emplace_back([this] { work(); });
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    generation_.fetch_add(1, std::memory_order_release);
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) {
    worker.join();
  }
}

void ThreadPool::parallel_for(int64_t count, int64_t grain,
                              FunctionRef<void(int64_t, int64_t)> body) {
  grain = std::max<int64_t>(grain, 1);
  if (inside_body || workers_.empty() || count <= grain) {
    for (int64_t begin = 0; begin < count; begin += grain) {
      body(begin, std::min(begin + grain, count));
    }
    return;
  }
  const std::lock_guard one_caller(caller_);
  Job job{.body = body, .count = count, .grain = grain, .failure_mutex = {}, .failure = {}};
  {
    const std::lock_guard lock(mutex_);
    job_ = &job;
    generation_.fetch_add(1, std::memory_order_release);
  }
  wake_.notify_all();
  run_ranges(job);
  {
    std::unique_lock lock(mutex_);
    job_ = nullptr;  // workers that have not begun find nothing left to do
    done_.wait(lock, [&job] { return job.busy_workers == 0; });
  }
  if (job.failure) {
    std::rethrow_exception(job.failure);
  }
}

void ThreadPool::run_ranges(Job& job) {
  inside_body = true;
  for (;;) {
    const int64_t begin = job.next.fetch_add(job.grain, std::memory_order_relaxed);
    if (begin >= job.count) {
      break;
    }
    try {
      job.body(begin, std::min(begin + job.grain, job.count));
    } catch (...) {
      const std::lock_guard lock(job.failure_mutex);
      if (!job.failure) {
        job.failure = std::current_exception();
      }
      job.next.store(job.count, std::memory_order_relaxed);
    }
  }
  inside_body = false;
}

void ThreadPool::work() {
  uint64_t seen = 0;
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return generation_.load(std::memory_order_acquire) != seen; });
    seen = generation_.load(std::memory_order_acquire);
    if (stopping_) {
      return;
    }
    if (job_ == nullptr) {
      continue;
    }
    Job& job = *job_;
    ++job.busy_workers;
    lock.unlock();
    run_ranges(job);
    lock.lock();
    if (--job.busy_workers == 0) {
      done_.notify_all();
    }
  }
}

}  // namespace switchyard::core
