#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "checkpoint/contents.h"
#include "checkpoint/safetensors_header.h"
#include "core/file_io.h"

namespace switchyard::checkpoint {

/// The length and checksum of a file.
struct FileSum {
  int64_t bytes = 0;
  uint32_t crc32c = 0;

  [[nodiscard]] bool operator==(const FileSum&) const = default;
};

/// Writes a new safetensors file durably, one tensor after the other, without copying tensors that
/// are contiguous on the CPU. The same tensors give the same bytes, whatever their order. `to_host`
/// may be empty if all tensors are contiguous on the CPU.
FileSum write_safetensors(core::FileSystem& files, const std::filesystem::path& path,
                          std::span<const NamedTensor> tensors, const ToHost& to_host = {});

/// The length of the file that write_safetensors() would write.
[[nodiscard]] int64_t safetensors_bytes(std::span<const NamedTensor> tensors);

/// A safetensors file, open for reading. Threads: [any].
class SafetensorsFile {
 public:
  /// Reads and checks the header; throws as parse_header() does.
  SafetensorsFile(core::FileSystem& files, const std::filesystem::path& path);

  /// In the order of their data.
  [[nodiscard]] const std::vector<TensorEntry>& entries() const { return entries_; }
  /// The entry of a name; null if there is none.
  [[nodiscard]] const TensorEntry* find(std::string_view name) const;
  /// Reads a tensor into one of the same dtype and shape, contiguous and on the CPU.
  void read(const TensorEntry& entry, tensor::Tensor& into) const;
  /// Reads rows [begin, end) along axis 0, such as the experts of one rank.
  void read_rows(const TensorEntry& entry, int64_t begin, int64_t end, tensor::Tensor& into) const;

 private:
  core::InputFile file_;
  std::vector<TensorEntry> entries_;
  int64_t data_begin_ = 0;
};

}  // namespace switchyard::checkpoint
