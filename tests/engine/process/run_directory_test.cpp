#include "process/run_directory.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "core/directory_lock.h"
#include "core/error.h"
#include "tests/support/temporary_directory.h"

namespace switchyard::process {
namespace {

namespace fs = std::filesystem;

TEST(RunDirectory, IsMadeOnceAndThenRefusedWithTheCommandThatResumes) {
  const tests::TemporaryDirectory directory;
  const fs::path run = directory.path() / "a" / "b";
  EXPECT_FALSE(holds_run(run));
  EXPECT_THROW(require_run(run), core::Error);
  create_run_directory(run);
  EXPECT_FALSE(holds_run(run));
  std::ofstream(run / "config.toml") << "x";
  EXPECT_TRUE(holds_run(run));
  EXPECT_NO_THROW(require_run(run));
  try {
    create_run_directory(run);
    FAIL() << "no error";
  } catch (const core::Error& error) {
    EXPECT_EQ(error.code(), core::ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find("switchyard resume " + run.string()),
              std::string::npos);
  }
}

TEST(RunDirectory, ListsCheckpointsByTheirSteps) {
  const tests::TemporaryDirectory directory;
  for (const char* name : {"step-100", "step-20", "step-3", "corrupt-step-7", "step-x", ".tmp-1"}) {
    fs::create_directories(directory.path() / "checkpoints" / name);
  }
  const auto places = list_checkpoints(directory.path());
  ASSERT_EQ(places.size(), 3U);
  EXPECT_EQ(places[0].step, 3);
  EXPECT_EQ(places[2].path, directory.path() / "checkpoints" / "step-100");
  EXPECT_TRUE(list_checkpoints(directory.path() / "nowhere").empty());
}

TEST(RunDirectory, KnowsWhetherAProcessHoldsIt) {
  const tests::TemporaryDirectory directory;
  EXPECT_FALSE(is_locked(directory.path()));
  {
    const core::DirectoryLock lock(directory.path());
    EXPECT_TRUE(is_locked(directory.path()));
  }
  EXPECT_FALSE(is_locked(directory.path()));
}

}  // namespace
}  // namespace switchyard::process
