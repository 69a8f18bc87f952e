#include "core/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"

namespace switchyard::core {
namespace {

TEST(ThreadPool, VisitsEveryElementOnce) {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.num_threads(), threads);
    for (const int64_t count : {0, 1, 7, 64, 1000}) {
      std::vector<std::atomic<int>> visits(static_cast<size_t>(count));
      pool.parallel_for(count, 7, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          ++visits[static_cast<size_t>(i)];
        }
      });
      EXPECT_TRUE(std::ranges::all_of(visits, [](const auto& n) { return n == 1; })) << count;
    }
  }
}

TEST(ThreadPool, CutsRangesByGrainAndNotByThreads) {
  ThreadPool pool(3);
  std::mutex mutex;
  std::vector<std::pair<int64_t, int64_t>> ranges;
  pool.parallel_for(10, 4, [&](int64_t begin, int64_t end) {
    const std::lock_guard lock(mutex);
    ranges.emplace_back(begin, end);
  });
  std::ranges::sort(ranges);
  EXPECT_EQ(ranges, (std::vector<std::pair<int64_t, int64_t>>{{0, 4}, {4, 8}, {8, 10}}));
}

TEST(ThreadPool, RethrowsTheFirstExceptionAndLivesOn) {
  ThreadPool pool(4);
  EXPECT_THROW(pool.parallel_for(100, 1,
                                 [](int64_t begin, int64_t) {
                                   if (begin == 50) {
                                     throw std::runtime_error("at 50");
                                   }
                                 }),
               std::runtime_error);
  std::atomic<int64_t> sum{0};
  pool.parallel_for(100, 1, [&](int64_t begin, int64_t) { sum += begin; });
  EXPECT_EQ(sum, 99 * 100 / 2);
}

TEST(ThreadPool, RunsACallFromInsideABodyOnTheSameThread) {
  ThreadPool pool(3);
  std::atomic<int> inner{0};
  std::atomic<int> elsewhere{0};
  pool.parallel_for(6, 1, [&](int64_t, int64_t) {
    const std::thread::id outer = std::this_thread::get_id();
    pool.parallel_for(5, 1, [&](int64_t, int64_t) {
      ++inner;
      elsewhere += std::this_thread::get_id() == outer ? 0 : 1;
    });
  });
  EXPECT_EQ(inner, 30);
  EXPECT_EQ(elsewhere, 0);
}

TEST(ThreadPool, ServesSeveralCallersOneAfterTheOther) {
  ThreadPool pool(3);
  std::vector<int64_t> sums(4, 0);
  std::vector<std::thread> callers;
  for (int64_t& sum : sums) {
    callers.emplace_back([&pool, &sum] {
      for (int round = 0; round < 50; ++round) {
        std::atomic<int64_t> part{0};
        pool.parallel_for(20, 1, [&](int64_t begin, int64_t) { part += begin; });
        sum += part;
      }
    });
  }
  for (std::thread& caller : callers) {
    caller.join();
  }
  EXPECT_EQ(sums, std::vector<int64_t>(4, 50 * 190));
}

TEST(ThreadPool, TakesTheCoresThatTheProcessMayUse) {
  EXPECT_GE(ThreadPool().num_threads(), 1);
  EXPECT_THROW(ThreadPool(-1), Error);
}

}  // namespace
}  // namespace switchyard::core
