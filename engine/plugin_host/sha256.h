#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace switchyard::plugin_host {

/// The SHA-256 digest of bytes that come in pieces.
/// Source: FIPS 180-4, sections 5 and 6.2.
class Sha256 {
 public:
  void add(std::span<const std::byte> bytes);
  /// The digest of all that was added, as 64 lower-case hexadecimal digits. Once.
  [[nodiscard]] std::string finish();

 private:
  void mix(const std::byte* block);

  std::array<uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::byte, 64> block_{};
  size_t filled_ = 0;
  uint64_t total_bytes_ = 0;
};

}  // namespace switchyard::plugin_host
