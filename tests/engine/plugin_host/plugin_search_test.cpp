#include "plugin_host/plugin_search.h"

#include <fstream>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin_fixture.h"

namespace switchyard::plugin_host {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<PluginFile> scan(const std::vector<fs::path>& directories,
                             TrustPolicy trust = TrustPolicy::kFileAndDirectories) {
  return PluginSearch(directories, trust).scan();
}

std::string refusal_of(const fs::path& file) {
  return reason_for_distrust(fs::canonical(file.parent_path()) / file.filename(),
                             TrustPolicy::kFileAndDirectories, program_path());
}

TEST(PluginSearch, ListsPluginsByNameWithTheirIdentity) {
  const std::vector<PluginFile> files = scan({test_folder("good")});
  ASSERT_THAT(files, SizeIs(3));
  EXPECT_EQ(files[0].name, "scale");
  EXPECT_EQ(files[0].kind, "expert");
  EXPECT_EQ(files[1].name, "probe");
  EXPECT_EQ(files[1].kind, "gate");
  EXPECT_EQ(files[1].identity.id, "test.gate.probe");
  EXPECT_THAT(files[1].identity.sha256, SizeIs(64));
  EXPECT_EQ(files[2].kind, "optimizer");
  for (const PluginFile& file : files) {
    EXPECT_EQ(file.refusal, "");
  }
}

TEST(PluginSearch, TakesOnlyFilesWithTheSuffixAndGoesNoDeeper) {
  const TemporaryDirectory directory;
  fs::create_directory(directory.path() / "deeper");
  directory.copy_probe("deeper/gate_a.syplugin.so");
  directory.copy_probe("gate_b.so");
  directory.copy_probe(".syplugin.so");
  EXPECT_THAT(scan({directory.path()}), IsEmpty());
  directory.copy_probe("gate_c.syplugin.so");
  ASSERT_THAT(scan({directory.path()}), SizeIs(1));
  EXPECT_EQ(scan({directory.path()})[0].name, "c");
}

TEST(PluginSearch, WantsAbsoluteDirectoriesAndSkipsMissingOnes) {
  const auto [code, text] = error_of([] { (void)scan({"plugins"}); });
  EXPECT_EQ(code, core::ErrorCode::kInvalidArgument);
  EXPECT_THAT(text, HasSubstr("plugin directory 'plugins' must be an absolute path"));
  EXPECT_THAT(scan({"/there/is/no/such/directory"}), IsEmpty());
}

TEST(PluginSearch, ListsEqualCopiesOnceInTheOrderOfTheDirectories) {
  const TemporaryDirectory first;
  const TemporaryDirectory second;
  const fs::path kept = first.copy_probe("gate_probe.syplugin.so");
  second.copy_probe("gate_probe.syplugin.so");
  const auto files = scan({first.path(), second.path(), first.path() / "."});
  ASSERT_THAT(files, SizeIs(1));
  EXPECT_EQ(files[0].identity.path, fs::canonical(kept));
}

TEST(PluginSearch, RefusesDifferentFilesOfOneIdNamingBoth) {
  const TemporaryDirectory directory;
  const fs::path a = directory.copy_probe("gate_a.syplugin.so");
  const fs::path b = directory.copy_probe("gate_b.syplugin.so");
  std::ofstream(b, std::ios::app) << "another build";
  const auto files = scan({directory.path()});
  ASSERT_THAT(files, SizeIs(2));
  for (const PluginFile& file : files) {
    EXPECT_THAT(file.refusal, HasSubstr("its id 'test.gate.probe' is also that of"));
    EXPECT_THAT(file.refusal, HasSubstr("gate_a.syplugin.so"));
    EXPECT_THAT(file.refusal, HasSubstr("gate_b.syplugin.so"));
  }
}

TEST(PluginSearch, RefusesFilesThatOthersCanWrite) {
  const TemporaryDirectory directory;
  const fs::path file = directory.copy_probe("gate_a.syplugin.so");
  EXPECT_EQ(refusal_of(file), "");
  for (const auto& [mode, who] :
       {std::pair{0664, "its group (mode 0664)"}, std::pair{0646, "others (mode 0646)"},
        std::pair{0666, "its group and by others (mode 0666)"}}) {
    ASSERT_EQ(::chmod(file.c_str(), static_cast<mode_t>(mode)), 0);
    EXPECT_THAT(refusal_of(file), HasSubstr("can be written by " + std::string(who)));
    EXPECT_THAT(refusal_of(file), HasSubstr("chmod go-w "));
    EXPECT_THAT(scan({directory.path()})[0].refusal, HasSubstr("refused: the file "));
    EXPECT_EQ(scan({directory.path()}, TrustPolicy::kAnything)[0].refusal, "");
  }
}

TEST(PluginSearch, RefusesDirectoriesThatOthersCanWrite) {
  const TemporaryDirectory above;
  const fs::path directory = above.path() / "inner";
  fs::create_directory(directory);
  const fs::path file = above.copy_probe("inner/gate_a.syplugin.so");
  EXPECT_EQ(refusal_of(file), "");
  for (const fs::path& open : {directory, above.path()}) {
    ASSERT_EQ(::chmod(open.c_str(), 0775), 0);
    EXPECT_THAT(refusal_of(file), HasSubstr("the directory " + open.string() +
                                            " can be written by its group (mode 0775)"));
    ASSERT_EQ(::chmod(open.c_str(), 01777), 0);
    EXPECT_THAT(refusal_of(file), HasSubstr("(mode 1777)"));
    EXPECT_EQ(scan({directory}, TrustPolicy::kFile)[0].refusal, "");
    ASSERT_EQ(::chmod(open.c_str(), 0755), 0);
  }
}

TEST(PluginSearch, RefusesASharedDirectoryUnlessTheProgramLiesBelowItToo) {
  const TemporaryDirectory shared;
  fs::create_directories(shared.path() / "tree/lib");
  const fs::path file = fs::canonical(shared.path()) / "tree/lib/gate_a.syplugin.so";
  shared.copy_probe("tree/lib/gate_a.syplugin.so");
  ASSERT_EQ(::chmod(shared.path().c_str(), 01777), 0);
  const auto reason = [&file](const fs::path& program) {
    return reason_for_distrust(file, TrustPolicy::kFileAndDirectories, program);
  };
  EXPECT_THAT(reason(""), HasSubstr("(mode 1777)"));
  EXPECT_THAT(reason("/usr/bin/switchyard"), HasSubstr("(mode 1777)"));
  EXPECT_EQ(reason(fs::canonical(shared.path()) / "tree/bin/switchyard"), "");
}

TEST(PluginSearch, RefusesFilesOfOtherUsersAndLinks) {
  const TemporaryDirectory directory;
  const fs::path file = directory.copy_probe("gate_a.syplugin.so");
  fs::create_symlink(file, directory.path() / "gate_b.syplugin.so");
  EXPECT_THAT(refusal_of(directory.path() / "gate_b.syplugin.so"),
              HasSubstr("is not a regular file but a link"));
  EXPECT_THAT(refusal_of(directory.path() / "none"), HasSubstr("cannot look at"));
  if (::geteuid() != 0) {
    GTEST_SKIP() << "only root can give a file away";
  }
  ASSERT_EQ(::chown(file.c_str(), 12345, 12345), 0);
  EXPECT_THAT(refusal_of(file), HasSubstr("belongs to user 12345"));
  ASSERT_EQ(::chown(file.c_str(), 0, 0), 0);
  ASSERT_EQ(::chown(directory.path().c_str(), 12345, 0), 0);
  EXPECT_THAT(refusal_of(file),
              HasSubstr("the directory " + directory.path().string() + " belongs to user 12345"));
}

TEST(PluginSearch, LooksInEnvironmentHomeAndTheProgramsTree) {
  ASSERT_EQ(::setenv("SWITCHYARD_PLUGIN_PATH", "/opt/a:relative::/opt/b/", 1), 0);
  ASSERT_EQ(::setenv("XDG_DATA_HOME", "/home/someone/data", 1), 0);
  std::string said;
  const auto directories = default_plugin_directories(
      [&said](core::LogLevel, std::string_view, std::string_view text) { said += text; });
  ::unsetenv("SWITCHYARD_PLUGIN_PATH");
  ::unsetenv("XDG_DATA_HOME");
  ASSERT_GE(directories.size(), 4U);
  EXPECT_EQ(directories[0], "/opt/a");
  EXPECT_EQ(directories[1], "/opt/b/");
  EXPECT_EQ(directories[2], "/home/someone/data/switchyard/plugins");
  EXPECT_EQ(directories[3], program_path().parent_path().parent_path() / "lib/switchyard/plugins");
  EXPECT_THAT(said, HasSubstr("'relative' is left out, it must be absolute"));
}

}  // namespace
}  // namespace switchyard::plugin_host
