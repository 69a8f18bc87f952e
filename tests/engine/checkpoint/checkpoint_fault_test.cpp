// Every call of a save fails, kills the process or loses the power, one after the other; the store
// must then hold the old checkpoint or the new one, whole.
#include <cerrno>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/checkpoint_store.h"
#include "core/file_io.h"
#include "tests/engine/checkpoint/checkpoint_fixture.h"
#include "tests/support/fault_file_system.h"

namespace switchyard::checkpoint {
namespace {

using tests::Fault;
using tests::FaultFileSystem;
using tests::Killed;
using tests::LostNames;

constexpr const char* kDirectory = "/run/checkpoints";

enum class After { kGoOn, kRestart, kLoseUnsyncedNames, kLoseOnlyData };

struct Disaster {
  const char* name;
  Fault fault;
  int error;
  After after;
};

constexpr std::array<Disaster, 7> kDisasters = {
    {{"one EIO", Fault::kError, EIO, After::kGoOn},
     {"EIO from then on", Fault::kErrorFromThenOn, EIO, After::kGoOn},
     {"ENOSPC from then on", Fault::kErrorFromThenOn, ENOSPC, After::kGoOn},
     {"EIO, then power loss", Fault::kError, EIO, After::kLoseUnsyncedNames},
     {"kill", Fault::kKill, 0, After::kRestart},
     {"power loss", Fault::kKill, 0, After::kLoseUnsyncedNames},
     {"power loss that keeps names", Fault::kKill, 0, After::kLoseOnlyData}}};

void bring_back(FaultFileSystem& files, After after) {
  files.disarm();
  if (after == After::kRestart) {
    files.restart();
  } else if (after != After::kGoOn) {
    files.lose_power(after == After::kLoseUnsyncedNames ? LostNames::kAll : LostNames::kNone);
  }
}

bool try_save(FaultFileSystem& files, const CheckpointContents& contents) {
  try {
    CheckpointStore(kDirectory, files).save(contents);
    return true;
  } catch (const Killed&) {
  } catch (const core::Error&) {
  }
  return false;
}

// The state that a process finds when it starts now.
CheckpointContents newest_after_start(FaultFileSystem& files) {
  CheckpointStore store(kDirectory, files);
  store.sweep();
  for (const core::DirectoryEntry& entry : core::list_directory(files, kDirectory)) {
    EXPECT_TRUE(entry.name.starts_with("step-")) << entry.name;
    EXPECT_TRUE(store.verify(std::filesystem::path(kDirectory) / entry.name).empty()) << entry.name;
  }
  const auto newest =
      store.open_newest([](const DamagedCheckpoint& damaged) { ADD_FAILURE() << damaged.message; });
  return newest != nullptr ? newest->read_all() : CheckpointContents{};
}

struct Scenario {
  const char* name;
  bool has_exchange;
  bool has_old;
  int64_t new_step;
};

constexpr std::array<Scenario, 4> kScenarios = {{{"first", true, false, 200},
                                                 {"next", true, true, 200},
                                                 {"same step", true, true, 100},
                                                 {"same step, no exchange", false, true, 100}}};

void prepare(FaultFileSystem& files, const Scenario& scenario) {
  files.set_exchange(scenario.has_exchange);
  if (scenario.has_old) {
    CheckpointStore(kDirectory, files).save(make_contents(100, 1));
  }
}

// False once the fault lies beyond the last call.
bool survive(const Scenario& scenario, const Disaster& disaster, int64_t nth) {
  SCOPED_TRACE(fmt::format("{}, {} at call {}", scenario.name, disaster.name, nth));
  FaultFileSystem files;
  prepare(files, scenario);
  const CheckpointContents old = scenario.has_old ? make_contents(100, 1) : CheckpointContents{};
  const CheckpointContents contents = make_contents(scenario.new_step, 2);
  files.arm(nth, disaster.fault, disaster.error);
  const bool has_saved = try_save(files, contents);
  const bool has_struck = files.has_struck();
  bring_back(files, disaster.after);

  const CheckpointContents found = newest_after_start(files);
  EXPECT_TRUE(same(found, contents) || (!has_saved && same(found, old)));
  if (scenario.has_old && scenario.new_step != 100) {
    EXPECT_TRUE(same(CheckpointStore(kDirectory, files).load("/run/checkpoints/step-100"), old));
  }
  // Whatever it was, the next attempt succeeds and lasts.
  EXPECT_TRUE(try_save(files, contents));
  files.lose_power(LostNames::kAll);
  EXPECT_TRUE(same(newest_after_start(files), contents));
  EXPECT_EQ(files.num_open(), 0U);
  return has_struck;
}

TEST(CheckpointFaults, LeaveTheOldOrTheNewCheckpointWhole) {
  for (const Scenario& scenario : kScenarios) {
    for (const Disaster& disaster : kDisasters) {
      int64_t nth = 1;
      while (survive(scenario, disaster, nth)) {
        ++nth;
      }
      EXPECT_GT(nth, 40) << scenario.name << ", " << disaster.name;
    }
  }
}

// A second disaster strikes while the first one's traces are swept.
TEST(CheckpointFaults, LeaveAWholeCheckpointWhenTheSweepIsKilledToo) {
  const Scenario& scenario = kScenarios[3];
  bool has_struck = true;
  for (int64_t nth = 1; has_struck; ++nth) {
    for (int64_t second = 1;; ++second) {
      SCOPED_TRACE(fmt::format("calls {} and {}", nth, second));
      FaultFileSystem files;
      prepare(files, scenario);
      files.arm(nth, Fault::kKill);
      (void)try_save(files, make_contents(100, 2));
      has_struck = files.has_struck();
      files.lose_power(LostNames::kNone);
      files.arm(second, Fault::kKill);
      try {
        CheckpointStore(kDirectory, files).sweep();
      } catch (const Killed&) {
      } catch (const core::Error&) {
        // The kill came in a destructor, and the next call found the process dead.
      }
      const bool has_struck_again = files.has_struck();
      files.lose_power(LostNames::kAll);
      const CheckpointContents found = newest_after_start(files);
      EXPECT_TRUE(same(found, make_contents(100, 1)) || same(found, make_contents(100, 2)));
      if (!has_struck_again) {
        break;
      }
    }
  }
}

TEST(CheckpointFaults, NeverLetRetentionLeaveHalfOfACheckpoint) {
  for (const After after : {After::kRestart, After::kLoseUnsyncedNames, After::kLoseOnlyData}) {
    for (int64_t nth = 1;; ++nth) {
      SCOPED_TRACE(nth);
      FaultFileSystem files;
      CheckpointStore store(kDirectory, files);
      for (const int64_t step : {1, 2, 3}) {
        store.save(make_contents(step));
      }
      files.arm(nth, Fault::kKill);
      try {
        store.retain({.keep_last = 1, .best_step = {}, .resumed_step = {}});
      } catch (const Killed&) {
      } catch (const core::Error&) {
        // As above.
      }
      const bool has_struck = files.has_struck();
      bring_back(files, after);
      EXPECT_TRUE(same(newest_after_start(files), make_contents(3)));
      if (!has_struck) {
        break;
      }
    }
  }
}

TEST(CheckpointFaults, ReadingWithABrokenDiskNeverGivesWrongContents) {
  for (int64_t nth = 1;; ++nth) {
    FaultFileSystem files;
    CheckpointStore store(kDirectory, files);
    store.save(make_contents(1));
    store.save(make_contents(2));
    files.arm(nth, Fault::kError, EIO);
    try {
      const auto newest = store.open_newest();
      ASSERT_NE(newest, nullptr);
      EXPECT_TRUE(same(newest->read_all(), make_contents(newest->step())));
    } catch (const core::Error& error) {
      EXPECT_TRUE(files.has_struck()) << error.what();
    }
    EXPECT_EQ(files.num_open(), 0U);
    if (!files.has_struck()) {
      break;
    }
  }
}

}  // namespace
}  // namespace switchyard::checkpoint
