#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace switchyard::checksum {

/// CRC-32C (Castagnoli) of bytes that arrive in pieces: finds flipped bits and torn files. Uses the
/// processor's instruction where there is one. Threads: [inst].
/// Source: RFC 3720, appendix B.4.
class Crc32c {
 public:
  void update(const void* data, size_t bytes);
  /// The checksum of everything so far.
  [[nodiscard]] uint32_t value() const { return ~state_; }

 private:
  uint32_t state_ = 0xffffffffU;
};

/// The CRC-32C of bytes that lie in one piece.
[[nodiscard]] uint32_t crc32c(std::string_view bytes);

/// One update of a raw CRC-32C state without special instructions: the fallback of Crc32c.
[[nodiscard]] uint32_t crc32c_by_table(uint32_t state, const void* data, size_t bytes);

}  // namespace switchyard::checksum
