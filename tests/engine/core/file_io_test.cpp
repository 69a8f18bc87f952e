#include "core/file_io.h"

#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/temporary_directory.h"

namespace switchyard::core {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using tests::Fault;
using tests::FaultFileSystem;
using tests::Killed;
using tests::LostNames;
using tests::TemporaryDirectory;

constexpr int64_t kMany = 1 << 20;

template <typename Body>
Error error_of(const Body& body) {
  try {
    body();
  } catch (const Error& error) {
    return error;
  }
  return {ErrorCode::kInternal, "nothing was thrown"};
}

std::vector<std::string> names_in(FileSystem& files, const std::filesystem::path& path) {
  std::vector<std::string> names;
  for (const DirectoryEntry& entry : list_directory(files, path)) {
    names.push_back(entry.name + (entry.is_directory ? "/" : ""));
  }
  return names;
}

void write_new(FileSystem& files, const std::filesystem::path& path, std::string_view text) {
  OutputFile file(files, path);
  file.write(text);
  file.sync_and_close();
}

TEST(PosixFileSystem, WritesReadsRenamesAndRemoves) {
  const TemporaryDirectory directory;
  PosixFileSystem files;
  const std::filesystem::path deep = directory.path() / "a" / "b";
  make_directories(files, deep);
  make_directories(files, deep);
  write_new(files, deep / "one", "first");
  durable_write_file(files, deep / "two", "old");
  durable_write_file(files, deep / "two", "new");
  EXPECT_EQ(read_file(files, deep / "one", kMany), "first");
  EXPECT_EQ(read_file(files, deep / "two", kMany), "new");
  EXPECT_THAT(names_in(files, deep), ElementsAre("one", "two"));
  EXPECT_THAT(names_in(files, directory.path() / "a"), ElementsAre("b/"));
  EXPECT_GT(free_bytes(files, deep), 0);

  EXPECT_EQ(error_of([&] {
              durable_rename(files, deep / "one", deep / "two", RenameMode::kNoReplace);
            }).code(),
            ErrorCode::kState);
  durable_rename(files, deep / "one", deep / "two", RenameMode::kExchange);
  EXPECT_EQ(read_file(files, deep / "one", kMany), "new");
  durable_rename(files, deep / "one", deep / "two", RenameMode::kReplace);
  EXPECT_THAT(names_in(files, deep), ElementsAre("two"));
  remove_tree(files, directory.path() / "a");
  remove_tree(files, directory.path() / "a");
  EXPECT_THAT(names_in(files, directory.path()), ElementsAre());
}

TEST(PosixFileSystem, SaysWhatIsWrongAndWhere) {
  const TemporaryDirectory directory;
  PosixFileSystem files;
  const std::filesystem::path path = directory.path() / "file";
  const Error missing = error_of([&] { (void)read_file(files, path, kMany); });
  EXPECT_EQ(missing.code(), ErrorCode::kNotFound);
  EXPECT_THAT(missing.what(), HasSubstr("cannot open '" + path.string() + "': No such file"));
  write_new(files, path, "text");
  EXPECT_THAT(error_of([&] { write_new(files, path, "again"); }).what(),
              HasSubstr("cannot create '" + path.string() + "': File exists"));
  EXPECT_EQ(error_of([&] { (void)read_file(files, path, 3); }).code(), ErrorCode::kDamaged);
  EXPECT_EQ(error_of([&] { (void)read_file(files, directory.path(), 3); }).code(), ErrorCode::kIo);
  EXPECT_EQ(error_of([&] { make_directories(files, path / "below"); }).code(), ErrorCode::kIo);
}

TEST(PosixFileSystem, DoesNotFollowALinkInPlaceOfAFile) {
  const TemporaryDirectory directory;
  PosixFileSystem files;
  write_new(files, directory.path() / "target", "text");
  std::filesystem::create_symlink(directory.path() / "target", directory.path() / "link");
  EXPECT_EQ(error_of([&] { (void)read_file(files, directory.path() / "link", kMany); }).code(),
            ErrorCode::kIo);
  remove_tree(files, directory.path() / "link");
  EXPECT_THAT(names_in(files, directory.path()), ElementsAre("target"));
}

TEST(OutputFile, GoesOnAfterShortWritesAndInterrupts) {
  FaultFileSystem files;
  files.set_largest_transfer(3);
  files.set_interrupts(true);
  OutputFile file(files, "/run/file");
  file.write("0123456789");
  file.write("");
  file.sync_and_close();
  EXPECT_EQ(file.bytes(), 10);
  EXPECT_EQ(file.crc32c(), checksum::crc32c("0123456789"));
  EXPECT_EQ(read_file(files, "/run/file", kMany), "0123456789");
  EXPECT_EQ(files.num_open(), 0U);
}

TEST(OutputFile, ReportsEveryFailingCall) {
  int64_t nth = 1;
  for (;; ++nth) {
    FaultFileSystem files;
    files.arm(nth, Fault::kError, EIO);
    const Error error = error_of([&] { write_new(files, "/run/file", "text"); });
    if (!files.has_struck()) {
      break;
    }
    EXPECT_EQ(error.code(), ErrorCode::kIo) << nth;
    EXPECT_THAT(error.what(), HasSubstr("'/run/file': Input/output error")) << nth;
    EXPECT_EQ(files.num_open(), 0U) << nth;
  }
  EXPECT_EQ(nth, 5) << "open, write, sync and close";
}

TEST(OutputFile, SaysHowMuchAFullDiskLacks) {
  FaultFileSystem files;
  files.set_capacity(6);
  const Error error = error_of([&] { write_new(files, "/run/file", "0123456789"); });
  EXPECT_EQ(error.code(), ErrorCode::kIo);
  EXPECT_THAT(error.what(), HasSubstr("No space left on device (4 more bytes needed, 0 free)"));
}

TEST(InputFile, SaysThatAFileEndsTooEarly) {
  FaultFileSystem files;
  write_new(files, "/run/file", "0123");
  const InputFile file(files, "/run/file");
  std::string text(8, ' ');
  const Error error = error_of([&] { file.read_at(text.data(), 8, 0); });
  EXPECT_EQ(error.code(), ErrorCode::kDamaged);
  EXPECT_THAT(error.what(), HasSubstr("'/run/file' ends at byte 4"));
}

TEST(InputFile, TakesAnUnreadableSectorForDamage) {
  FaultFileSystem files;
  write_new(files, "/run/file", "0123");
  files.arm(3, Fault::kError, EIO);
  EXPECT_EQ(error_of([&] { (void)read_file(files, "/run/file", kMany); }).code(),
            ErrorCode::kDamaged);
}

TEST(DurableWriteFile, LeavesTheOldOrTheNewContentWhatever) {
  for (const LostNames lost : {LostNames::kAll, LostNames::kNone}) {
    for (int64_t nth = 1;; ++nth) {
      FaultFileSystem files;
      durable_write_file(files, "/run/file", "old");
      files.arm(nth, Fault::kKill);
      bool returned = false;
      try {
        durable_write_file(files, "/run/file", "new");
        returned = true;
      } catch (const Killed&) {
      } catch (const Error&) {
      }
      const bool has_struck = files.has_struck();
      files.lose_power(lost);
      const std::string content = read_file(files, "/run/file", kMany);
      EXPECT_TRUE(content == "new" || (content == "old" && !(returned && !has_struck)))
          << nth << ' ' << content;
      if (!has_struck) {
        break;
      }
    }
  }
}

}  // namespace
}  // namespace switchyard::core
