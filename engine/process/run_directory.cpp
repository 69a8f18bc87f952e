#include "process/run_directory.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string>
#include <string_view>
#include <sys/stat.h>

#include "core/error.h"
#include "core/file_io.h"

namespace switchyard::process {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kCheckpointPrefix = "step-";

}  // namespace

bool holds_run(const fs::path& directory) {
  const RunPaths paths{directory};
  std::error_code error;
  return fs::exists(paths.config(), error) || fs::exists(paths.database(), error) ||
         fs::exists(paths.checkpoints(), error);
}

void create_run_directory(const fs::path& directory) {
  core::require(!holds_run(directory),
                "{} already holds a run; `switchyard resume {}` continues it, --run with another "
                "directory starts a new one",
                directory.string(), directory.string());
  core::PosixFileSystem files;
  core::make_directories(files, directory);
}

void require_run(const fs::path& directory) {
  if (!holds_run(directory)) {
    core::fail(core::ErrorCode::kNotFound,
               "there is no run in {} (no config.toml, run.db or checkpoints)", directory.string());
  }
}

bool is_locked(const fs::path& directory) {
  struct stat status{};
  if (stat((directory / ".lock").c_str(), &status) != 0) {
    return false;
  }
  // "1: FLOCK  ADVISORY  WRITE 4242 08:01:131077 0 EOF": the inode stands after the last colon.
  const std::string inode = fmt::format(":{} ", status.st_ino);
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    if (line.find("FLOCK") != std::string::npos && line.find(inode) != std::string::npos) {
      return true;
    }
  }
  return false;
}

std::vector<CheckpointPlace> list_checkpoints(const fs::path& directory) {
  std::vector<CheckpointPlace> found;
  core::PosixFileSystem files;
  const fs::path folder = RunPaths{directory}.checkpoints();
  for (const core::DirectoryEntry& entry : core::list_directory(files, folder)) {
    if (!entry.is_directory || !entry.name.starts_with(kCheckpointPrefix)) {
      continue;
    }
    CheckpointPlace place;
    const char* begin = entry.name.data() + kCheckpointPrefix.size();
    const char* end = entry.name.data() + entry.name.size();
    const auto parsed = std::from_chars(begin, end, place.step);
    if (parsed.ec == std::errc() && parsed.ptr == end) {
      place.path = folder / entry.name;
      found.push_back(std::move(place));
    }
  }
  std::sort(found.begin(), found.end(),
            [](const CheckpointPlace& a, const CheckpointPlace& b) { return a.step < b.step; });
  return found;
}

}  // namespace switchyard::process
