#include "process/signal_watcher.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

namespace switchyard::process {
namespace {

void wait_for(const core::CancelToken& cancel) {
  for (int i = 0; i < 500 && !cancel.requested(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

TEST(SignalWatcher, TurnsASignalIntoAWishToStop) {
  core::CancelToken cancel;
  std::atomic<int> heard{0};
  const SignalWatcher watcher(cancel, [&](int signal) { heard = signal; });
  EXPECT_EQ(watcher.signal(), 0);
  kill(getpid(), SIGUSR1);
  wait_for(cancel);
  EXPECT_TRUE(cancel.requested());
  EXPECT_EQ(watcher.signal(), SIGUSR1);
}

TEST(SignalWatcher, EndsTheProcessAtTheSecondInterrupt) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto insist = [] {
    core::CancelToken cancel;
    const SignalWatcher watcher(cancel, {});
    kill(getpid(), SIGINT);
    wait_for(cancel);
    kill(getpid(), SIGINT);
    std::this_thread::sleep_for(std::chrono::seconds(10));
  };
  EXPECT_EXIT(insist(), testing::ExitedWithCode(130), "");
}

}  // namespace
}  // namespace switchyard::process
