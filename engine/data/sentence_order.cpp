#include "data/sentence_order.h"

#include "core/error.h"

namespace switchyard::data {

SentenceOrder::SentenceOrder(int64_t n, uint64_t seed)
    : n_(static_cast<uint64_t>(n)),
      key_(core::rng_key(seed, "data.order", static_cast<uint32_t>(core::RngPurpose::kShuffle))) {
  core::require(n >= 1, "SentenceOrder: needs at least one sentence, got {}", n);
  while ((uint64_t{1} << (2 * half_bits_)) < n_) {
    ++half_bits_;
  }
}

int64_t SentenceOrder::at(int64_t epoch, int64_t place) const {
  auto value = static_cast<uint64_t>(place);
  do {
    value = mix(epoch, value);
  } while (value >= n_);
  return static_cast<int64_t>(value);
}

uint64_t SentenceOrder::mix(int64_t epoch, uint64_t value) const {
  constexpr int32_t kRounds = 6;
  const uint64_t mask = (uint64_t{1} << half_bits_) - 1;
  uint64_t left = value >> half_bits_;
  uint64_t right = value & mask;
  for (int32_t round = 0; round < kRounds; ++round) {
    const uint64_t word = core::random_word(key_, {.step = epoch, .microbatch = round}, right);
    const uint64_t next = left ^ (word & mask);
    left = right;
    right = next;
  }
  return left << half_bits_ | right;
}

}  // namespace switchyard::data
