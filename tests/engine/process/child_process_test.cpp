#include "process/child_process.h"

#include <chrono>
#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include <gtest/gtest.h>

#include "tests/support/temporary_directory.h"

namespace switchyard::process {
namespace {

using std::chrono::milliseconds;

ChildProcess::End wait_for(ChildProcess& child) {
  for (;;) {
    if (const auto end = child.poll()) {
      return *end;
    }
    std::this_thread::sleep_for(milliseconds(5));
  }
}

std::string text_of(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

/// The child runs this test program again.
ChildProcess::Options options_in(const std::filesystem::path& directory,
                                 const std::vector<std::string>& arguments) {
  return {arguments, directory / "out", directory / "log"};
}

TEST(ChildProcess, WritesWhereItIsTold) {
  const tests::TemporaryDirectory directory;
  ChildProcess child(options_in(directory.path(), {"--gtest_list_tests"}));
  const ChildProcess::End end = wait_for(child);
  EXPECT_EQ(end.code, 0);
  EXPECT_EQ(end.signal, 0);
  EXPECT_NE(text_of(directory.path() / "out").find("WritesWhereItIsTold"), std::string::npos);
  EXPECT_EQ(child.poll()->code, 0);  // the end stays
}

TEST(ChildProcess, CannotStartWithoutItsFiles) {
  ChildProcess child(options_in("/nowhere/at/all", {"--gtest_list_tests"}));
  EXPECT_EQ(wait_for(child).code, 127);
}

// Run by the next test, in another process.
TEST(ChildProcess, DISABLED_Sleeps) {
  std::this_thread::sleep_for(std::chrono::seconds(60));
}

TEST(ChildProcess, StopsWhenAskedThoughItsParentBlocksTheSignal) {
  const tests::TemporaryDirectory directory;
  sigset_t terminate;
  sigset_t before;
  sigemptyset(&terminate);
  sigaddset(&terminate, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &terminate, &before);
  ChildProcess child(options_in(directory.path(), {"--gtest_filter=ChildProcess.DISABLED_Sleeps",
                                                   "--gtest_also_run_disabled_tests"}));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_FALSE(child.poll().has_value());
  child.ask_to_stop();
  EXPECT_EQ(wait_for(child).signal, SIGTERM);
}

}  // namespace
}  // namespace switchyard::process
