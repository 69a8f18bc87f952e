#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace switchyard::storage {

/// CRC-32C (Castagnoli, reflected 0x82F63B78) of `bytes`, continuing from `crc` (0 to begin).
/// Source: RFC 3720, appendix B.4. Threads: [any].
[[nodiscard]] uint32_t crc32c(std::span<const uint8_t> bytes, uint32_t crc = 0);

/// The same by table, on any processor.
[[nodiscard]] uint32_t crc32c_by_table(std::span<const uint8_t> bytes, uint32_t crc = 0);

}  // namespace switchyard::storage
