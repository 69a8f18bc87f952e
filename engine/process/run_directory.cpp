#include "process/run_directory.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>
#include <sys/stat.h>

#include "core/error.h"
#include "core/file_io.h"
#include "process/checkpoint_name.h"

namespace switchyard::process {

namespace fs = std::filesystem;

bool holds_run(const fs::path& directory) {
  const RunPaths paths{directory};
  std::error_code error;
  return fs::exists(paths.config(), error) || fs::exists(paths.database(), error) ||
         fs::exists(paths.checkpoints(), error);
}

void require_no_run(const fs::path& directory) {
  core::require(!holds_run(directory),
                "{} already holds a run; `switchyard resume {}` continues it, --run with another "
                "directory starts a new one",
                directory.string(), directory.string());
}

void create_run_directory(const fs::path& directory) {
  require_no_run(directory);
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
  // "1: FLOCK  ADVISORY  WRITE 4242 08:01:131077 0 EOF": the inode follows the last colon.
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
    const std::optional<int64_t> step = step_of_checkpoint(entry.name);
    if (entry.is_directory && step) {
      found.push_back({*step, folder / entry.name});
    }
  }
  std::sort(found.begin(), found.end(),
            [](const CheckpointPlace& a, const CheckpointPlace& b) { return a.step < b.step; });
  return found;
}

}  // namespace switchyard::process
