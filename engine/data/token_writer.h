#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/function_ref.h"

namespace switchyard::data {

/// A new file to write, with errors that say what failed.
class OutputFile {
 public:
  /// Throws Error(kIo) if the file exists or cannot be created.
  explicit OutputFile(std::filesystem::path path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Both throw Error(kIo) unless all bytes were transferred.
  void write_at(std::span<const std::byte> bytes, uint64_t offset);
  void read_at(std::span<std::byte> bytes, uint64_t offset);
  /// Waits until everything is on the disk.
  void sync();

 private:
  [[noreturn]] void fail(std::string_view doing) const;

  std::filesystem::path path_;
  int file_ = -1;
};

/// Writes a TokenFile: append() for the elements, then finish() for the header.
template <typename T>
class TokenWriter {
 public:
  explicit TokenWriter(const std::filesystem::path& path) : file_(path) {
    buffer_.reserve(kBufferElements);
  }

  void append(T element) {
    if (buffer_.size() == kBufferElements) {
      flush();
    }
    buffer_.push_back(element);
  }
  [[nodiscard]] int64_t count() const { return count_ + static_cast<int64_t>(buffer_.size()); }

  /// Lets `change` rewrite all elements in order, a stretch at a time, then writes the header and
  /// syncs. Returns the checksum as hexadecimal digits. Call it once.
  std::string finish(core::FunctionRef<void(std::span<T>)> change);

 private:
  static constexpr size_t kBufferElements = 1U << 18U;

  void flush();

  OutputFile file_;
  std::vector<T> buffer_;
  int64_t count_ = 0;  // in the file
};

extern template class TokenWriter<int32_t>;
extern template class TokenWriter<uint64_t>;

}  // namespace switchyard::data
