#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace switchyard::core {

/// The key of a stream of random numbers: one per (run seed, owner, purpose).
struct RngKey {
  uint32_t k0 = 0;
  uint32_t k1 = 0;
};

/// A position in a stream of random numbers: the optimizer step and the microbatch.
struct RngPosition {
  int64_t step = 0;
  int32_t microbatch = 0;
};

/// The purpose of a stream of random numbers.
enum class RngPurpose : uint32_t {
  kInit = 1,
  kDropout = 2,
  kShuffle = 3,
  kSample = 4,
  kRounding = 5,
  kPlugin = 16
};

/// Makes the key of a stream. `owner` is a stable name, such as that of a parameter or a layer.
[[nodiscard]] RngKey rng_key(uint64_t seed, std::string_view owner, uint32_t purpose);

/// Four random words for a counter: Philox4x32 with ten rounds.
/// Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
[[nodiscard]] std::array<uint32_t, 4> philox4x32_10(std::array<uint32_t, 4> counter, RngKey key);

/// The counter of the block of four numbers that holds global element 4 * block ... 4 * block + 3.
[[nodiscard]] std::array<uint32_t, 4> rng_counter(RngPosition position, uint64_t block);

/// The random word of one global element.
[[nodiscard]] uint32_t random_word(RngKey key, RngPosition position, uint64_t element);

/// A word as a number in [0, 1) with 24 random bits.
[[nodiscard]] inline float unit_float(uint32_t word) {
  return static_cast<float>(word >> 8U) * 0x1p-24F;
}

}  // namespace switchyard::core
