#include "core/directory_lock.h"

#include <array>
#include <optional>
#include <signal.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/support/temporary_directory.h"

namespace switchyard::core {
namespace {

using testing::HasSubstr;

// A process that holds the lock of a directory until it is killed.
class Holder {
 public:
  explicit Holder(const std::filesystem::path& directory) {
    std::array<int, 2> ready{};
    EXPECT_EQ(::pipe(ready.data()), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      const DirectoryLock lock(directory);
      (void)!::write(ready[1], "x", 1);
      for (;;) {
        ::pause();
      }
    }
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
    ::close(ready[1]);
  }
  ~Holder() { end(); }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

  void end() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
      pid_ = 0;
    }
  }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
};

TEST(DirectoryLock, RefusesWithTheHoldersProcessId) {
  const tests::TemporaryDirectory directory;
  Holder holder(directory.path());
  try {
    const DirectoryLock lock(directory.path());
    FAIL() << "the lock was given twice";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kState);
    EXPECT_THAT(error.what(), HasSubstr("in use by process " + std::to_string(holder.pid())));
    EXPECT_THAT(error.what(), HasSubstr(directory.path().string()));
  }
  holder.end();
  EXPECT_NO_THROW(const DirectoryLock lock(directory.path()));
}

TEST(DirectoryLock, IsFreeAgainAfterItsEnd) {
  const tests::TemporaryDirectory directory;
  std::optional<DirectoryLock> first;
  first.emplace(directory.path());
  EXPECT_THROW(DirectoryLock(directory.path()), Error);
  first.reset();
  EXPECT_NO_THROW(DirectoryLock(directory.path()));
}

TEST(DirectoryLock, NeedsADirectory) {
  const tests::TemporaryDirectory directory;
  try {
    const DirectoryLock lock(directory.path() / "missing");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
  }
}

}  // namespace
}  // namespace switchyard::core
