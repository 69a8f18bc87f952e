#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace switchyard::checksum {

using Sha256Digest = std::array<uint8_t, 32>;

/// SHA-256 of bytes that arrive in pieces. Threads: [inst]. Source: FIPS 180-4.
class Sha256 {
 public:
  void update(const void* data, size_t bytes);
  void update(std::span<const std::byte> bytes) { update(bytes.data(), bytes.size()); }
  void update(std::string_view text) { update(text.data(), text.size()); }
  /// The digest of everything so far. Call it once, last.
  [[nodiscard]] Sha256Digest finish();

 private:
  void absorb(const uint8_t* block);

  std::array<uint32_t, 8> state_{0x6a09e667U, 0xbb67ae85U, 0x3c6ef372U, 0xa54ff53aU,
                                 0x510e527fU, 0x9b05688cU, 0x1f83d9abU, 0x5be0cd19U};
  std::array<uint8_t, 64> block_{};
  size_t pending_ = 0;  // bytes in block_
  uint64_t total_ = 0;  // bytes in all
};

/// The SHA-256 of bytes that lie in one piece.
[[nodiscard]] Sha256Digest sha256(std::string_view bytes);

}  // namespace switchyard::checksum
