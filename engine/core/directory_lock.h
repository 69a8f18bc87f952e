#pragma once

#include <filesystem>

namespace switchyard::core {

/// Keeps every other process out of a directory, by flock() on the file ".lock" in it, until it is
/// destroyed or the process ends, however it ends. Threads: [inst].
class DirectoryLock {
 public:
  /// The directory must exist. Throws Error(kState) with the holder's process id if another holds
  /// the lock, Error(kIo) if the file cannot be made.
  explicit DirectoryLock(const std::filesystem::path& directory);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  int descriptor_;
};

}  // namespace switchyard::core
