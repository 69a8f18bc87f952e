#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace switchyard::data {

/// A whole file mapped as read-only memory. The file must not shrink while it is mapped.
class MappedFile {
 public:
  MappedFile() = default;
  /// Throws Error(kNotFound) if there is no such file, Error(kIo) if it cannot be read or is not a
  /// regular file. An empty file is an empty span.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }
  [[nodiscard]] std::string_view text() const {
    return {reinterpret_cast<const char*>(data_), size_};
  }

 private:
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace switchyard::data
