#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace switchyard::core {

enum class OpenMode {
  kRead,
  kCreateNew,  // for writing; fails with EEXIST if the name is taken
  kDirectory,  // only for sync()
};

enum class RenameMode {
  kReplace,
  kNoReplace,  // fails with EEXIST if the new name is taken
  kExchange,   // both names must exist; they change places at once
};

struct DirectoryEntry {
  std::string name;
  bool is_directory = false;
};

/// The calls to the kernel that files need, as a seam for tests. Each returns what the kernel does:
/// 0 or more, or an errno value made negative, so that short writes, EINTR and failing closes can
/// be tested. Nobody but core/file_io.h needs to call them. Threads: [any].
class FileSystem {
 public:
  using Path = std::filesystem::path;

  virtual ~FileSystem() = default;

  /// A descriptor.
  [[nodiscard]] virtual int64_t open(const Path& path, OpenMode mode) = 0;
  /// The number of bytes that were taken, which may be fewer.
  [[nodiscard]] virtual int64_t write(int descriptor, const void* data, int64_t bytes) = 0;
  /// The number of bytes that were read; 0 at the end of the file.
  [[nodiscard]] virtual int64_t read_at(int descriptor, void* data, int64_t bytes,
                                        int64_t offset) = 0;
  [[nodiscard]] virtual int64_t size(int descriptor) = 0;
  /// Makes the data of a file, or the names in a directory, outlive a power loss.
  [[nodiscard]] virtual int64_t sync(int descriptor) = 0;
  [[nodiscard]] virtual int64_t close(int descriptor) = 0;
  [[nodiscard]] virtual int64_t rename(const Path& from, const Path& to, RenameMode mode) = 0;
  [[nodiscard]] virtual int64_t make_directory(const Path& path) = 0;
  [[nodiscard]] virtual int64_t remove_file(const Path& path) = 0;
  /// The directory must be empty.
  [[nodiscard]] virtual int64_t remove_directory(const Path& path) = 0;
  /// Appends the entries of a directory in no particular order, without "." and "..".
  [[nodiscard]] virtual int64_t list(const Path& path, std::vector<DirectoryEntry>& entries) = 0;
  /// What this user may still write on the disk that holds `path`.
  [[nodiscard]] virtual int64_t free_bytes(const Path& path) = 0;
};

/// The files of the machine. Symbolic links are not followed in the last part of a path.
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
