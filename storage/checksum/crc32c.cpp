#include "checksum/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace switchyard::checksum {
namespace {

using CrcTables = std::array<std::array<uint32_t, 256>, 8>;

// tables[k][b]: what byte b does to the state when k more bytes follow it.
constexpr CrcTables make_crc_tables() {
  constexpr uint32_t kReversedPolynomial = 0x82f63b78U;
  CrcTables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t state = byte;
    for (int bit = 0; bit < 8; ++bit) {
      state = (state >> 1U) ^ ((state & 1U) != 0 ? kReversedPolynomial : 0U);
    }
    tables[0][byte] = state;
  }
  for (size_t k = 1; k < tables.size(); ++k) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t before = tables[k - 1][byte];
      tables[k][byte] = (before >> 8U) ^ tables[0][before & 0xffU];
    }
  }
  return tables;
}

constexpr CrcTables kCrcTables = make_crc_tables();

#if defined(__x86_64__)
bool has_crc_instruction() {
  return __builtin_cpu_supports("sse4.2") != 0;
}

[[gnu::target("sse4.2")]] uint32_t crc32c_by_instruction(uint32_t state, const void* data,
                                                         size_t bytes) {
  const auto* at = static_cast<const uint8_t*>(data);
  uint64_t wide = state;
  for (; bytes >= 8; bytes -= 8, at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, at, sizeof(word));
    wide = _mm_crc32_u64(wide, word);
  }
  auto narrow = static_cast<uint32_t>(wide);
  for (; bytes > 0; --bytes, ++at) {
    narrow = _mm_crc32_u8(narrow, *at);
  }
  return narrow;
}
#else
bool has_crc_instruction() {
  return false;
}

uint32_t crc32c_by_instruction(uint32_t state, const void* data, size_t bytes) {
  return crc32c_by_table(state, data, bytes);
}
#endif

}  // namespace

uint32_t crc32c_by_table(uint32_t state, const void* data, size_t bytes) {
  const auto* at = static_cast<const uint8_t*>(data);
  for (; bytes >= 8; bytes -= 8, at += 8) {
    uint32_t next = 0;
    for (unsigned i = 0; i < 4; ++i) {
      next ^= kCrcTables[7 - i][(state >> (8U * i) & 0xffU) ^ at[i]];
      next ^= kCrcTables[3 - i][at[4 + i]];
    }
    state = next;
  }
  for (; bytes > 0; --bytes, ++at) {
    state = (state >> 8U) ^ kCrcTables[0][(state ^ *at) & 0xffU];
  }
  return state;
}

void Crc32c::update(const void* data, size_t bytes) {
  state_ = has_crc_instruction() ? crc32c_by_instruction(state_, data, bytes)
                                 : crc32c_by_table(state_, data, bytes);
}

uint32_t crc32c(std::string_view bytes) {
  Crc32c crc;
  crc.update(bytes.data(), bytes.size());
  return crc.value();
}

}  // namespace switchyard::checksum
