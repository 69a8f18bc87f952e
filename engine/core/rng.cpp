#include "core/rng.h"

namespace switchyard::core {

namespace {

// The mixer of SplitMix64: every bit of the result depends on every bit of h.
uint64_t mix(uint64_t h) {
  h += 0x9e3779b97f4a7c15ULL;
  h = (h ^ (h >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  h = (h ^ (h >> 27U)) * 0x94d049bb133111ebULL;
  return h ^ (h >> 31U);
}

// FNV-1a, mixed at both ends: short names must give distant keys, and the first letter must not
// undo a small difference in the start value.
uint64_t hash(std::string_view text, uint64_t start) {
  uint64_t h = 0xcbf29ce484222325ULL ^ mix(start);
  for (const char c : text) {
    h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  return mix(h);
}

}  // namespace

RngKey rng_key(uint64_t seed, std::string_view owner, uint32_t purpose) {
  const uint64_t h = hash(owner, seed * 0x9e3779b97f4a7c15ULL + purpose);
  return {.k0 = static_cast<uint32_t>(h), .k1 = static_cast<uint32_t>(h >> 32U)};
}

std::array<uint32_t, 4> philox4x32_10(std::array<uint32_t, 4> counter, RngKey key) {
  constexpr uint64_t kMultiplier0 = 0xD2511F53U;
  constexpr uint64_t kMultiplier1 = 0xCD9E8D57U;
  constexpr uint32_t kWeyl0 = 0x9E3779B9U;
  constexpr uint32_t kWeyl1 = 0xBB67AE85U;
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = kMultiplier0 * counter[0];
    const uint64_t p1 = kMultiplier1 * counter[2];
    counter = {static_cast<uint32_t>(p1 >> 32U) ^ counter[1] ^ key.k0, static_cast<uint32_t>(p1),
               static_cast<uint32_t>(p0 >> 32U) ^ counter[3] ^ key.k1, static_cast<uint32_t>(p0)};
    key.k0 += kWeyl0;
    key.k1 += kWeyl1;
  }
  return counter;
}

std::array<uint32_t, 4> rng_counter(RngPosition position, uint64_t block) {
  const auto step = static_cast<uint64_t>(position.step);
  // The step needs 48 bits at most and the microbatch 16.
  return {static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32U),
          static_cast<uint32_t>(step),
          static_cast<uint32_t>(step >> 32U) | (static_cast<uint32_t>(position.microbatch) << 16U)};
}

uint32_t random_word(RngKey key, RngPosition position, uint64_t element) {
  return philox4x32_10(rng_counter(position, element / 4), key)[element % 4];
}

}  // namespace switchyard::core
