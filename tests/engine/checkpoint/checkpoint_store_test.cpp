#include "checkpoint/checkpoint_store.h"

#include <cerrno>
#include <checksum/hex.h>
#include <checksum/sha256.h>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <sys/wait.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/match.h"
#include "core/file_io.h"
#include "tests/engine/checkpoint/checkpoint_fixture.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/temporary_directory.h"

namespace switchyard::checkpoint {
namespace {

using core::ErrorCode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using tests::FaultFileSystem;
using tests::TemporaryDirectory;

constexpr const char* kDirectory = "/run/checkpoints";
constexpr int64_t kMany = 1 << 24;

std::vector<std::string> names_in(core::FileSystem& files, const std::filesystem::path& path) {
  std::vector<std::string> names;
  for (const core::DirectoryEntry& entry : core::list_directory(files, path)) {
    names.push_back(entry.name);
  }
  return names;
}

std::map<std::string, std::string> bytes_in(core::FileSystem& files,
                                            const std::filesystem::path& path) {
  std::map<std::string, std::string> bytes;
  for (const std::string& name : names_in(files, path)) {
    bytes[name] = core::read_file(files, path / name, kMany);
  }
  return bytes;
}

std::vector<int64_t> steps_of(const CheckpointStore& store) {
  std::vector<int64_t> steps;
  for (const CheckpointInfo& info : store.list()) {
    steps.push_back(info.step);
  }
  return steps;
}

const std::vector<std::string> kAllFiles = {"config.toml",       "manifest.json",
                                            "model.safetensors", "optimizer.safetensors",
                                            "state.json",        "state.safetensors"};

TEST(CheckpointStore, GivesBackEveryBitFromARealDisk) {
  const TemporaryDirectory directory;
  core::PosixFileSystem files;
  CheckpointStore store(directory.path() / "checkpoints", files);
  EXPECT_EQ(store.open_newest(), nullptr);
  EXPECT_THAT(store.list(), IsEmpty());
  const CheckpointContents contents = make_contents(200);
  const SavedCheckpoint saved = store.save(contents);
  EXPECT_EQ(saved.step, 200);
  EXPECT_EQ(saved.directory, "checkpoints/step-200");
  EXPECT_THAT(names_in(files, directory.path() / "checkpoints"), ElementsAre("step-200"));

  const std::filesystem::path where = directory.path() / saved.directory;
  EXPECT_EQ(names_in(files, where), kAllFiles);
  int64_t bytes = 0;
  for (const auto& [name, content] : bytes_in(files, where)) {
    bytes += static_cast<int64_t>(content.size());
  }
  EXPECT_EQ(saved.bytes, bytes);
  EXPECT_EQ(
      checksum::hex(saved.manifest_sha256),
      checksum::hex(checksum::sha256(core::read_file(files, where / "manifest.json", kMany))));
  EXPECT_TRUE(same(store.load(where), contents));
  EXPECT_THAT(store.verify(where), IsEmpty());
  ASSERT_EQ(store.list().size(), 1U);
  EXPECT_EQ(store.list()[0].bytes, bytes);
}

TEST(CheckpointStore, ReadsStraightIntoTheTensorsOfAModel) {
  FaultFileSystem files;
  CheckpointStore store(kDirectory, files);
  const CheckpointContents contents = make_contents(5, 3);
  store.save(contents);
  CheckpointContents target = make_contents(0, 1);
  const auto reader = store.open_newest();
  ASSERT_NE(reader, nullptr);
  EXPECT_EQ(reader->step(), 5);
  EXPECT_EQ(reader->state_json(), contents.state_json);
  reader->read_into(Part::kModel, target.model);
  EXPECT_EQ(bits_of(target.model), bits_of(contents.model));
  EXPECT_THAT(error_of([&] { reader->read_into(Part::kState, target.model); }).what(),
              HasSubstr("state.safetensors of '/run/checkpoints/step-5' does not fit"));
}

TEST(CheckpointStore, WritesTheSameBytesForTheSameContents) {
  FaultFileSystem files;
  CheckpointStore first("/run/a", files);
  CheckpointStore second("/run/b", files);
  CheckpointContents contents = make_contents(3);
  first.save(contents);
  std::swap(contents.model[0], contents.model[1]);
  second.save(contents);
  EXPECT_EQ(bytes_in(files, "/run/a/step-3"), bytes_in(files, "/run/b/step-3"));
}

TEST(CheckpointStore, TakesAStepThatIsThereAlready) {
  for (const bool has_exchange : {true, false}) {
    FaultFileSystem files;
    files.set_exchange(has_exchange);
    CheckpointStore store(kDirectory, files);
    store.save(make_contents(3, 1));
    store.save(make_contents(3, 1));
    EXPECT_THAT(names_in(files, kDirectory), ElementsAre("step-3"));
    EXPECT_TRUE(same(store.open_newest()->read_all(), make_contents(3, 1)));
    store.save(make_contents(3, 2));
    EXPECT_THAT(names_in(files, kDirectory), ElementsAre("step-3"));
    EXPECT_TRUE(same(store.open_newest()->read_all(), make_contents(3, 2)));
  }
}

TEST(CheckpointStore, ReplacesADamagedOneOfTheSameBytes) {
  FaultFileSystem files;
  CheckpointStore store(kDirectory, files);
  store.save(make_contents(3));
  files.content("/run/checkpoints/step-3/state.json").clear();
  store.save(make_contents(3));
  EXPECT_THAT(store.verify("/run/checkpoints/step-3"), IsEmpty());
}

TEST(CheckpointStore, NamesTheFileThatIsDamaged) {
  for (const std::string& name : kAllFiles) {
    for (const char* how : {"first", "middle", "last", "short", "long", "empty", "gone"}) {
      FaultFileSystem files;
      CheckpointStore store(kDirectory, files);
      store.save(make_contents(3));
      const std::filesystem::path path = std::filesystem::path(kDirectory) / "step-3" / name;
      std::string& content = files.content(path);
      const std::string kind = how;
      if (kind == "short") {
        content.pop_back();
      } else if (kind == "long") {
        content += '\0';
      } else if (kind == "empty") {
        content.clear();
      } else if (kind == "gone") {
        core::remove_tree(files, path);
      } else {
        const size_t at =
            kind == "first" ? 0 : (kind == "middle" ? content.size() / 2 : content.size() - 1);
        content[at] = static_cast<char>(content[at] ^ 0x04);
      }
      const std::vector<Finding> findings = store.verify("/run/checkpoints/step-3");
      ASSERT_EQ(findings.size(), 1U) << name << ' ' << how;
      EXPECT_EQ(findings[0].file, name);
      const core::Error error = error_of([&] { (void)store.load("/run/checkpoints/step-3"); });
      EXPECT_EQ(error.code(), ErrorCode::kDamaged);
      EXPECT_THAT(error.what(), HasSubstr("checkpoint '/run/checkpoints/step-3' is damaged"));
      EXPECT_THAT(error.what(), HasSubstr(name));
    }
  }
}

TEST(CheckpointStore, FallsBackToOlderOnesAndSaysSo) {
  FaultFileSystem files;
  CheckpointStore store(kDirectory, files);
  for (const int64_t step : {9, 10, 100}) {
    store.save(make_contents(step));
  }
  EXPECT_THAT(steps_of(store), ElementsAre(100, 10, 9));
  files.content("/run/checkpoints/step-100/model.safetensors")[5000 % 4096] ^= 1;
  files.content("/run/checkpoints/step-10/optimizer.safetensors").pop_back();
  std::vector<DamagedCheckpoint> damaged;
  const auto newest =
      store.open_newest([&](const DamagedCheckpoint& one) { damaged.push_back(one); });
  ASSERT_NE(newest, nullptr);
  EXPECT_TRUE(same(newest->read_all(), make_contents(9)));
  EXPECT_EQ(newest->directory(), "/run/checkpoints/step-9");
  ASSERT_EQ(damaged.size(), 2U);
  EXPECT_EQ(damaged[0].step, 100);
  EXPECT_EQ(damaged[0].moved_to, "corrupt-step-100");
  EXPECT_THAT(damaged[0].message, HasSubstr("model.safetensors"));
  EXPECT_THAT(damaged[1].message, HasSubstr("optimizer.safetensors"));
  EXPECT_THAT(names_in(files, kDirectory),
              ElementsAre("corrupt-step-10", "corrupt-step-100", "step-9"));

  store.save(make_contents(10, 1));
  files.content("/run/checkpoints/step-10/state.json").clear();
  EXPECT_NE(store.open_newest(), nullptr);
  EXPECT_THAT(names_in(files, kDirectory),
              ElementsAre("corrupt-step-10", "corrupt-step-10.2", "corrupt-step-100", "step-9"));
}

TEST(CheckpointStore, FailsLoudlyIfNoneIsWhole) {
  FaultFileSystem files;
  CheckpointStore store(kDirectory, files);
  store.save(make_contents(1));
  files.content("/run/checkpoints/step-1/config.toml") = "other";
  const core::Error error = error_of([&] { (void)store.open_newest(); });
  EXPECT_EQ(error.code(), ErrorCode::kDamaged);
  EXPECT_THAT(error.what(), HasSubstr("no checkpoint in '/run/checkpoints' is whole"));
}

TEST(CheckpointStore, DoesNotTakeOneStepForAnother) {
  FaultFileSystem files;
  CheckpointStore store(kDirectory, files);
  store.save(make_contents(1));
  core::durable_rename(files, "/run/checkpoints/step-1", "/run/checkpoints/step-2",
                       core::RenameMode::kNoReplace);
  EXPECT_THAT(store.list(), IsEmpty());
  EXPECT_THAT(error_of([&] { (void)store.open_newest(); }).what(), HasSubstr("holds step 1"));
}

TEST(CheckpointStore, LooksOnlyAtNamesItGives) {
  FaultFileSystem files;
  CheckpointStore store(kDirectory, files);
  store.save(make_contents(7));
  for (const char* name : {"step-007", "step-", "step--1", "step-7x", "best", ".step-8",
                           "step-99999999999999999999"}) {
    core::make_directories(files, std::filesystem::path(kDirectory) / name);
  }
  core::durable_write_file(files, "/run/checkpoints/step-8", "a file");
  EXPECT_THAT(steps_of(store), ElementsAre(7));
  EXPECT_EQ(store.open_newest()->step(), 7);
}

TEST(CheckpointStore, ListsOnlyWholeLengths) {
  FaultFileSystem files;
  CheckpointStore store(kDirectory, files);
  store.save(make_contents(1));
  store.save(make_contents(2));
  files.content("/run/checkpoints/step-2/model.safetensors").pop_back();
  EXPECT_THAT(steps_of(store), ElementsAre(1));
}

TEST(CheckpointStore, KeepsTheLastTheBestAndWhereItResumed) {
  FaultFileSystem files;
  CheckpointStore store(kDirectory, files);
  for (int64_t step = 1; step <= 6; ++step) {
    store.save(make_contents(step));
  }
  EXPECT_THAT(store.retain({.keep_last = 10, .best_step = {}, .resumed_step = {}}), IsEmpty());
  EXPECT_THAT(store.retain({.keep_last = 3, .best_step = 2, .resumed_step = {}}),
              ElementsAre("checkpoints/step-3", "checkpoints/step-1"));
  EXPECT_THAT(names_in(files, kDirectory), ElementsAre("step-2", "step-4", "step-5", "step-6"));
  EXPECT_THAT(store.retain({.keep_last = 1, .best_step = {}, .resumed_step = 5}),
              ElementsAre("checkpoints/step-4", "checkpoints/step-2"));
  EXPECT_THAT(store.retain({.keep_last = 1, .best_step = {}, .resumed_step = 4}),
              ElementsAre("checkpoints/step-5"));
  EXPECT_EQ(
      error_of([&] { store.retain({.keep_last = 0, .best_step = {}, .resumed_step = {}}); }).code(),
      ErrorCode::kInvalidArgument);
}

TEST(CheckpointStore, SweepsWhatAKilledProcessLeft) {
  FaultFileSystem files;
  CheckpointStore store(kDirectory, files);
  EXPECT_THAT(store.sweep(), IsEmpty());
  store.save(make_contents(1));
  store.save(make_contents(2));
  core::make_directories(files, "/run/checkpoints/.tmp-step-3-ab");
  core::make_directories(files, "/run/checkpoints/.trash-step-1-ab");
  core::durable_rename(files, "/run/checkpoints/step-2", "/run/checkpoints/.aside-step-2-ab",
                       core::RenameMode::kNoReplace);
  EXPECT_THAT(store.sweep(), ElementsAre(".aside-step-2-ab", ".tmp-step-3-ab", ".trash-step-1-ab"));
  EXPECT_THAT(names_in(files, kDirectory), ElementsAre("step-1", "step-2"));
  EXPECT_THAT(store.verify("/run/checkpoints/step-2"), IsEmpty());
}

TEST(CheckpointStore, RefusesADiskThatIsTooSmallBeforeItWrites) {
  FaultFileSystem files;
  files.set_capacity(20000);
  CheckpointStore store(kDirectory, files, {.factor = 1.1, .bytes = 20000});
  const core::Error error = error_of([&] { store.save(make_contents(4)); });
  EXPECT_EQ(error.code(), ErrorCode::kIo);
  EXPECT_THAT(error.what(), HasSubstr("the checkpoint of step 4 needs "));
  EXPECT_THAT(error.what(), HasSubstr(", 20000 are free"));
  EXPECT_THAT(names_in(files, kDirectory), IsEmpty());
}

TEST(CheckpointStore, CleansUpWhenTheDiskFillsWhileItWrites) {
  FaultFileSystem files;
  CheckpointStore store(kDirectory, files, {.factor = 0.0, .bytes = 0});
  store.save(make_contents(1));
  files.set_capacity(20000);
  const core::Error error = error_of([&] { store.save(make_contents(2)); });
  EXPECT_EQ(error.code(), ErrorCode::kIo);
  EXPECT_THAT(error.what(), HasSubstr("No space left on device"));
  EXPECT_THAT(names_in(files, kDirectory), ElementsAre("step-1"));
  files.set_capacity(1 << 20);
  store.save(make_contents(2));
  EXPECT_THAT(names_in(files, kDirectory), ElementsAre("step-1", "step-2"));
}

TEST(CheckpointStore, RefusesContentsThatItCannotWrite) {
  FaultFileSystem files;
  CheckpointStore store(kDirectory, files);
  CheckpointContents contents = make_contents(1);
  contents.state_json = "{";
  EXPECT_EQ(error_of([&] { store.save(contents); }).code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(error_of([&] { store.save(make_contents(-1)); }).code(), ErrorCode::kInvalidArgument);
}

TEST(CheckpointStore, WorksThroughShortTransfersAndInterrupts) {
  FaultFileSystem files;
  files.set_largest_transfer(100);
  files.set_interrupts(true);
  CheckpointStore store(kDirectory, files);
  store.save(make_contents(1));
  EXPECT_TRUE(same(store.open_newest()->read_all(), make_contents(1)));
  EXPECT_EQ(files.num_open(), 0U);
}

constexpr const char* kReaderInPython = R"(
import json, struct, sys
raw = open(sys.argv[1], 'rb').read()
n, = struct.unpack('<Q', raw[:8])
header, data = json.loads(raw[8:8 + n]), raw[8 + n:]
assert (8 + n) % 4096 == 0, n
w = header['moe.experts0.w0']
assert w['dtype'] == 'F32' and w['shape'] == [2, 2, 2], w
begin, end = w['data_offsets']
assert struct.unpack('<8f', data[begin:end])[:4] == (1.0, 2.0, 3.0, 4.0)
assert sum(e['data_offsets'][1] - e['data_offsets'][0] for e in header.values()) == len(data)
)";

TEST(CheckpointStore, CanBeReadByOthersWithJsonAndStruct) {
  if (std::system("/usr/bin/python3 -c 'import json, struct' 2>/dev/null") != 0) {
    GTEST_SKIP() << "no /usr/bin/python3";
  }
  const TemporaryDirectory directory;
  core::PosixFileSystem files;
  CheckpointStore store(directory.path(), files);
  store.save(make_contents(1, 4));
  const std::filesystem::path script = directory.path() / "read.py";
  std::ofstream(script) << kReaderInPython;
  const std::filesystem::path model = directory.path() / "step-1" / "model.safetensors";
  const std::string command =
      fmt::format("/usr/bin/python3 {} {}", script.string(), model.string());
  EXPECT_EQ(std::system(command.c_str()), 0);
}

}  // namespace
}  // namespace switchyard::checkpoint
