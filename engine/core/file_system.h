#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace switchyard::core {

/// How to open a file.
enum class OpenMode {
  kRead,
  kCreateNew,  // for writing; fails with EEXIST if the name is taken
  kDirectory,  // only for sync()
};

/// Behaviour of rename() when the new name is taken.
enum class RenameMode {
  kReplace,
  kNoReplace,  // fails with EEXIST if the new name is taken
  kExchange,   // both names must exist; swaps them atomically
};

/// An entry of a directory.
struct DirectoryEntry {
  std::string name;
  bool is_directory = false;
};

/// The system calls on files, as a seam for tests. Each returns 0 or more, or a negated errno
/// value, like the kernel, so that short writes, EINTR and failing closes can be tested. Use
/// core/file_io.h instead of calling these directly. Threads: [any].
class FileSystem {
 public:
  using Path = std::filesystem::path;

  virtual ~FileSystem() = default;

  /// Returns a descriptor.
  [[nodiscard]] virtual int64_t open(const Path& path, OpenMode mode) = 0;
  /// Returns the number of bytes written, which can be less than `bytes`.
  [[nodiscard]] virtual int64_t write(int descriptor, const void* data, int64_t bytes) = 0;
  /// Returns the number of bytes read; 0 at the end of the file.
  [[nodiscard]] virtual int64_t read_at(int descriptor, void* data, int64_t bytes,
                                        int64_t offset) = 0;
  [[nodiscard]] virtual int64_t size(int descriptor) = 0;
  /// Makes the data of a file, or the names in a directory, survive a power loss.
  [[nodiscard]] virtual int64_t sync(int descriptor) = 0;
  [[nodiscard]] virtual int64_t close(int descriptor) = 0;
  [[nodiscard]] virtual int64_t rename(const Path& from, const Path& to, RenameMode mode) = 0;
  [[nodiscard]] virtual int64_t make_directory(const Path& path) = 0;
  [[nodiscard]] virtual int64_t remove_file(const Path& path) = 0;
  /// The directory must be empty.
  [[nodiscard]] virtual int64_t remove_directory(const Path& path) = 0;
  /// Appends the entries of a directory in no particular order, without "." and "..".
  [[nodiscard]] virtual int64_t list(const Path& path, std::vector<DirectoryEntry>& entries) = 0;
  /// The free space for this user on the disk that holds `path`, in bytes.
  [[nodiscard]] virtual int64_t free_bytes(const Path& path) = 0;
};

/// The machine's file system. Does not follow symbolic links in the last part of a path.
class PosixFileSystem final : public FileSystem {
 public:
  int64_t open(const Path& path, OpenMode mode) override;
  int64_t write(int descriptor, const void* data, int64_t bytes) override;
  int64_t read_at(int descriptor, void* data, int64_t bytes, int64_t offset) override;
  int64_t size(int descriptor) override;
  int64_t sync(int descriptor) override;
  int64_t close(int descriptor) override;
  int64_t rename(const Path& from, const Path& to, RenameMode mode) override;
  int64_t make_directory(const Path& path) override;
  int64_t remove_file(const Path& path) override;
  int64_t remove_directory(const Path& path) override;
  int64_t list(const Path& path, std::vector<DirectoryEntry>& entries) override;
  int64_t free_bytes(const Path& path) override;
};

}  // namespace switchyard::core
