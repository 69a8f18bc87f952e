#pragma once

#include <filesystem>

namespace switchyard::core {

/// Locks a directory against other processes by flock() on its file ".lock", until the lock is
/// destroyed or the process ends, however it ends. Threads: [inst].
class DirectoryLock {
 public:
  /// The directory must exist. Throws Error(kState) with the holder's process id if another process
  /// holds the lock, Error(kIo) if the file cannot be created.
  explicit DirectoryLock(const std::filesystem::path& directory);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  int descriptor_;
};

}  // namespace switchyard::core
