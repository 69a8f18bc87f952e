#pragma once

#include <checksum/crc32c.h>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/file_system.h"

namespace switchyard::core {

// File operations with every result checked. Unless noted otherwise, a failure throws Error(kIo)
// with the path, the operation and the system's reason, and for a full disk also the bytes needed
// and free; for a missing name the code is kNotFound.

/// A new file to write. Threads: [inst].
class OutputFile {
 public:
  /// Fails if the name is taken.
  OutputFile(FileSystem& files, std::filesystem::path path);
  /// Closes the file, which can be incomplete unless sync_and_close() succeeded.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Writes all bytes, in as many system calls as necessary.
  void write(const void* data, int64_t bytes);
  void write(std::string_view text) { write(text.data(), static_cast<int64_t>(text.size())); }
  /// Makes the data durable and closes the file. After a failure, write the file again under
  /// another name: the kernel may have dropped the pages, and a second fsync would report success.
  void sync_and_close();

  [[nodiscard]] int64_t bytes() const { return bytes_; }
  /// The CRC-32C of everything written so far.
  [[nodiscard]] uint32_t crc32c() const { return crc_.value(); }

 private:
  FileSystem& files_;
  std::filesystem::path path_;
  int descriptor_;
  int64_t bytes_ = 0;
  checksum::Crc32c crc_;
};

/// A file, open for reading. Threads: [any] for read_at().
class InputFile {
 public:
  InputFile(FileSystem& files, std::filesystem::path path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  [[nodiscard]] int64_t size() const { return size_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Reads exactly `bytes`. Throws Error(kDamaged) if the file is too short or the disk cannot read
  /// it.
  void read_at(void* data, int64_t bytes, int64_t offset) const;

 private:
  FileSystem& files_;
  std::filesystem::path path_;
  int descriptor_;
  int64_t size_ = 0;
};

/// Reads a small file whole. Throws Error(kDamaged) if it is longer than `max_bytes`.
[[nodiscard]] std::string read_file(FileSystem& files, const std::filesystem::path& path,
                                    int64_t max_bytes);
/// Makes the names in a directory survive a power loss.
void sync_directory(FileSystem& files, const std::filesystem::path& path);
/// Creates the directory and its missing parents durably. Does nothing if it exists.
void make_directories(FileSystem& files, const std::filesystem::path& path);
/// Replaces the contents of a file, so that after a crash it holds the old or the new contents
/// whole. Uses the name with ".tmp" appended.
void durable_write_file(FileSystem& files, const std::filesystem::path& path,
                        std::string_view content);
/// Renames; false if `mode` is kNoReplace and the name is taken. The rename is not yet durable.
[[nodiscard]] bool rename_path(FileSystem& files, const std::filesystem::path& from,
                               const std::filesystem::path& to, RenameMode mode);
/// Renames within one directory and makes the rename durable. Throws Error(kState) if `mode` is
/// kNoReplace and the name is taken.
void durable_rename(FileSystem& files, const std::filesystem::path& from,
                    const std::filesystem::path& to, RenameMode mode);
/// Removes a file, or a directory with its contents. Does nothing if it does not exist.
void remove_tree(FileSystem& files, const std::filesystem::path& path);
/// The entries of a directory, sorted by name; empty if the directory does not exist.
[[nodiscard]] std::vector<DirectoryEntry> list_directory(FileSystem& files,
                                                         const std::filesystem::path& path);
/// The free space for this user on the disk that holds `path`, in bytes.
[[nodiscard]] int64_t free_bytes(FileSystem& files, const std::filesystem::path& path);

/// Throws the error for a failed call; `result` is its negated errno value.
[[noreturn]] void fail_io(FileSystem& files, const std::filesystem::path& path,
                          std::string_view doing, int64_t result, int64_t needed_bytes = -1);

}  // namespace switchyard::core
