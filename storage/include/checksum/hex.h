#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace switchyard::checksum {

/// Lower-case hexadecimal digits, two per byte.
[[nodiscard]] std::string hex(std::span<const uint8_t> bytes);

/// Eight lower-case hexadecimal digits, the high one first: how manifests write a CRC-32C.
[[nodiscard]] std::string hex(uint32_t word);

}  // namespace switchyard::checksum
