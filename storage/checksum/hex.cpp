#include "checksum/hex.h"

#include <fmt/format.h>

namespace switchyard::checksum {

std::string hex(std::span<const uint8_t> bytes) {
  return fmt::format("{:02x}", fmt::join(bytes, ""));
}

std::string hex(uint32_t word) {
  return fmt::format("{:08x}", word);
}

}  // namespace switchyard::checksum
