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

/// A new file, written from its beginning. Threads: [inst].
class OutputFile {
 public:
  /// Fails if the name is taken.
  OutputFile(FileSystem& files, std::filesystem::path path);
  /// Closes. What was not committed by sync_and_close() may be incomplete.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Writes all of it, however many calls that takes.
  void write(const void* data, int64_t bytes);
  void write(std::string_view text) { write(text.data(), static_cast<int64_t>(text.size())); }
  /// Makes the data durable and closes the file. After a failure, write the file again under
  /// another name: the kernel may have dropped the pages, and a second fsync would report success.
  void sync_and_close();

  [[nodiscard]] int64_t bytes() const { return bytes_; }
  /// Of everything written so far.
  [[nodiscard]] uint32_t crc32c() const { return crc_.value(); }

 private:
  FileSystem& files_;
  std::filesystem::path path_;
  int descriptor_;
  int64_t bytes_ = 0;
  checksum::Crc32c crc_;
};

/// A file to read. Threads: [any] for read_at().
class InputFile {
 public:
  InputFile(FileSystem& files, std::filesystem::path path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  [[nodiscard]] int64_t size() const { return size_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Reads exactly `bytes`. Throws Error(kDamaged) if the file ends before, or if the disk cannot
  /// read it.
  void read_at(void* data, int64_t bytes, int64_t offset) const;

 private:
  FileSystem& files_;
  std::filesystem::path path_;
  int descriptor_;
  int64_t size_ = 0;
};

/// The whole of a small file. Throws Error(kDamaged) if it is longer than `max_bytes`.
[[nodiscard]] std::string read_file(FileSystem& files, const std::filesystem::path& path,
                                    int64_t max_bytes);
/// Makes the names in a directory outlive a power loss.
void sync_directory(FileSystem& files, const std::filesystem::path& path);
/// Makes the directory and those above it that are missing, durably. No error if it is there.
void make_directories(FileSystem& files, const std::filesystem::path& path);
/// Replaces the contents of a file, so that after a crash it holds the old or the new contents
/// whole. Uses the name with ".tmp" appended.
void durable_write_file(FileSystem& files, const std::filesystem::path& path,
                        std::string_view content);
/// Renames; false if kNoReplace was asked for and the name is taken. Not yet durable.
[[nodiscard]] bool rename_path(FileSystem& files, const std::filesystem::path& from,
                               const std::filesystem::path& to, RenameMode mode);
/// Renames within one directory and makes that durable. Throws Error(kState) if kNoReplace was
/// asked for and the name is taken.
void durable_rename(FileSystem& files, const std::filesystem::path& from,
                    const std::filesystem::path& to, RenameMode mode);
/// Removes a file, or a directory with all that is in it. No error if it is not there.
void remove_tree(FileSystem& files, const std::filesystem::path& path);
/// Sorted by name; empty if the directory is not there.
[[nodiscard]] std::vector<DirectoryEntry> list_directory(FileSystem& files,
                                                         const std::filesystem::path& path);
/// What this user may still write on the disk that holds `path`.
[[nodiscard]] int64_t free_bytes(FileSystem& files, const std::filesystem::path& path);

/// Throws the error of a failed call: `result` is its negative errno value.
[[noreturn]] void fail_io(FileSystem& files, const std::filesystem::path& path,
                          std::string_view doing, int64_t result, int64_t needed_bytes = -1);

}  // namespace switchyard::core
