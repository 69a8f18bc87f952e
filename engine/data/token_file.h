#pragma once

#include <array>
#include <bit>
#include <checksum/hex.h>
#include <checksum/sha256.h>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "data/mapped_file.h"

namespace switchyard::data {

static_assert(std::endian::native == std::endian::little, "data files are little endian");

/// The first 64 bytes of a *.tokens (i32 word ids) or *.index (u64 sentence starts) file; the
/// elements follow, little endian.
struct TokenFileHeader {
  static constexpr std::array<char, 8> kMagic = {'S', 'Y', 'T', 'O', 'K', 'E', 'N', 'S'};
  static constexpr uint32_t kVersion = 1;

  std::array<char, 8> magic = kMagic;
  uint32_t version = kVersion;
  uint32_t element_size = 0;        // bytes
  uint64_t count = 0;               // elements
  checksum::Sha256Digest sha256{};  // of the elements
  uint64_t reserved = 0;
};
static_assert(sizeof(TokenFileHeader) == 64);

/// An array in a memory-mapped file. Threads: [any], immutable.
class TokenFile {
 public:
  /// Checks header and size, but not the elements. Throws Error(kDamaged) if they disagree,
  /// Error(kUnsupported) for another version, Error(kNotFound) or Error(kIo) if it cannot be read.
  TokenFile(const std::filesystem::path& path, uint32_t element_size);

  [[nodiscard]] int64_t count() const { return static_cast<int64_t>(header_.count); }
  /// The checksum in the header; verify() checks it.
  [[nodiscard]] std::string sha256() const { return checksum::hex(header_.sha256); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  template <typename T>
  [[nodiscard]] std::span<const T> elements() const {
    return {reinterpret_cast<const T*>(file_.bytes().data() + sizeof(TokenFileHeader)),
            static_cast<size_t>(header_.count)};
  }

  /// Reads all elements. Throws Error(kDamaged) if they do not match the checksum.
  void verify() const;

 private:
  std::filesystem::path path_;
  MappedFile file_;
  TokenFileHeader header_;
};

}  // namespace switchyard::data
