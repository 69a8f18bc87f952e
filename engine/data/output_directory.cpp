#include "data/output_directory.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "core/error.h"
#include "data/manifest.h"

namespace switchyard::data {

namespace fs = std::filesystem;
using core::ErrorCode;

namespace {

void check_target(const fs::path& target, bool overwrite) {
  core::require(!target.empty(), "prepare: an output directory must be given");
  std::error_code error;
  const fs::file_status status = fs::status(target, error);
  if (!fs::exists(status)) {
    return;
  }
  if (!fs::is_directory(status)) {
    core::fail(ErrorCode::kState, "{}: exists and is not a directory; choose another output",
               target.string());
  }
  if (is_dataset_directory(target)) {
    if (!overwrite) {
      core::fail(ErrorCode::kState,
                 "{}: is a data set already; choose another output, or replace it with --overwrite",
                 target.string());
    }
    return;
  }
  if (!fs::is_empty(target, error) || error) {
    core::fail(ErrorCode::kState,
               "{}: exists and is not a data set, so it is never replaced; choose another output",
               target.string());
  }
}

fs::path make_beside(const fs::path& target, const char* suffix) {
  std::error_code error;
  const fs::path parent = target.parent_path();
  fs::create_directories(parent, error);
  std::string name =
      (parent / fmt::format(".{}{}XXXXXX", target.filename().string(), suffix)).string();
  if (error || ::mkdtemp(name.data()) == nullptr) {
    core::fail(ErrorCode::kIo, "{}: cannot make a directory in it: {}", parent.string(),
               error ? error.message() : std::strerror(errno));
  }
  return name;
}

void rename_or_fail(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) {
    core::fail(ErrorCode::kIo, "{}: cannot be renamed to {}: {}", from.string(), to.string(),
               error.message());
  }
}

void sync_directory(const fs::path& path) {
  const int directory = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool ok = directory >= 0 && ::fsync(directory) == 0;
  const int error = errno;
  if (directory >= 0) {
    ::close(directory);
  }
  if (!ok) {
    core::fail(ErrorCode::kIo, "{}: cannot be synced: {}", path.string(), std::strerror(error));
  }
}

}  // namespace

OutputDirectory::OutputDirectory(const fs::path& target, bool overwrite) {
  check_target(target, overwrite);
  target_ = fs::absolute(target).lexically_normal();
  if (!target_.has_filename()) {
    target_ = target_.parent_path();
  }
  staging_ = make_beside(target_, ".new-");
}

OutputDirectory::~OutputDirectory() {
  if (!staging_.empty()) {
    std::error_code ignored;
    fs::remove_all(staging_, ignored);
  }
}

void OutputDirectory::commit() {
  fs::permissions(staging_, fs::perms(0755));  // mkdtemp lets in nobody else
  sync_directory(staging_);
  fs::path old;
  std::error_code error;
  if (fs::exists(target_, error) && !fs::is_empty(target_, error)) {
    old = make_beside(target_, ".old-");
    rename_or_fail(target_, old);
  }
  try {
    rename_or_fail(staging_, target_);
  } catch (...) {
    if (!old.empty()) {
      fs::rename(old, target_, error);
    }
    throw;
  }
  staging_.clear();
  sync_directory(target_.parent_path());
  fs::remove_all(old, error);
}

}  // namespace switchyard::data
