#include "core/file_system.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <dirent.h>
#include <fcntl.h>
#include <limits>
#include <memory>
#include <string_view>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace switchyard::core {

namespace {

constexpr mode_t kFileMode = 0644;
constexpr mode_t kDirectoryMode = 0755;
// Linux writes at most 2 GiB minus a page at once; a smaller round number keeps writes aligned.
constexpr int64_t kLargestTransfer = int64_t{1} << 30;

int64_t checked(int64_t result) {
  return result < 0 ? -errno : result;
}

int open_flags(OpenMode mode) {
  constexpr int kAlways = O_CLOEXEC | O_NOFOLLOW;
  switch (mode) {
    case OpenMode::kRead:
      return kAlways | O_RDONLY | O_NONBLOCK;  // never wait for a pipe's writer
    case OpenMode::kCreateNew:
      return kAlways | O_WRONLY | O_CREAT | O_EXCL;
    case OpenMode::kDirectory:
      return kAlways | O_RDONLY | O_DIRECTORY;
  }
  return kAlways;
}

bool exists(const char* path) {
  struct stat found{};
  return ::lstat(path, &found) == 0;
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

}  // namespace

int64_t PosixFileSystem::open(const Path& path, OpenMode mode) {
  return checked(::open(path.c_str(), open_flags(mode), kFileMode));
}

int64_t PosixFileSystem::write(int descriptor, const void* data, int64_t bytes) {
  return checked(::write(descriptor, data, static_cast<size_t>(std::min(bytes, kLargestTransfer))));
}

int64_t PosixFileSystem::read_at(int descriptor, void* data, int64_t bytes, int64_t offset) {
  return checked(
      ::pread(descriptor, data, static_cast<size_t>(std::min(bytes, kLargestTransfer)), offset));
}

int64_t PosixFileSystem::size(int descriptor) {
  struct stat found{};
  if (::fstat(descriptor, &found) != 0) {
    return -errno;
  }
  return S_ISREG(found.st_mode) ? found.st_size : -EINVAL;
}

int64_t PosixFileSystem::sync(int descriptor) {
  return checked(::fsync(descriptor));
}

int64_t PosixFileSystem::close(int descriptor) {
  return checked(::close(descriptor));
}

int64_t PosixFileSystem::rename(const Path& from, const Path& to, RenameMode mode) {
  if (mode == RenameMode::kReplace) {
    return checked(::rename(from.c_str(), to.c_str()));
  }
  const unsigned flags = mode == RenameMode::kExchange ? RENAME_EXCHANGE : RENAME_NOREPLACE;
  const int64_t result = checked(::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags));
  const bool is_flag_unknown = result == -EINVAL || result == -ENOSYS;
  if (!is_flag_unknown || mode == RenameMode::kExchange) {
    return result;
  }
  // Some network file systems do not support flags. Callers that rename hold a DirectoryLock.
  return exists(to.c_str()) ? -EEXIST : checked(::rename(from.c_str(), to.c_str()));
}

int64_t PosixFileSystem::make_directory(const Path& path) {
  return checked(::mkdir(path.c_str(), kDirectoryMode));
}

int64_t PosixFileSystem::remove_file(const Path& path) {
  return checked(::unlink(path.c_str()));
}

int64_t PosixFileSystem::remove_directory(const Path& path) {
  return checked(::rmdir(path.c_str()));
}

int64_t PosixFileSystem::list(const Path& path, std::vector<DirectoryEntry>& entries) {
  const std::unique_ptr<DIR, CloseDirectory> directory(::opendir(path.c_str()));
  if (directory == nullptr) {
    return -errno;
  }
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr) {
      return -errno;
    }
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") {
      continue;
    }
    struct stat found{};
    if (::fstatat(::dirfd(directory.get()), entry->d_name, &found, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) {
        continue;  // removed since it was listed
      }
      return -errno;
    }
    entries.push_back({.name = std::string(name), .is_directory = S_ISDIR(found.st_mode)});
  }
}

int64_t PosixFileSystem::free_bytes(const Path& path) {
  struct statvfs found{};
  if (::statvfs(path.c_str(), &found) != 0) {
    return -errno;
  }
  int64_t bytes = 0;
  if (__builtin_mul_overflow(found.f_bavail, found.f_frsize, &bytes)) {
    return std::numeric_limits<int64_t>::max();
  }
  return bytes;
}

}  // namespace switchyard::core
