#pragma once

#include <cstdint>

#include "core/rng.h"

namespace switchyard::data {

/// A new order of n items in every epoch, addressed by (seed, epoch, place): there is no state to
/// keep or save. A Feistel network over Philox, iterated until it lands below n. Source: Black &
/// Rogaway 2002, "Ciphers with arbitrary finite domains", section 4.
class SentenceOrder {
 public:
  /// n >= 1.
  SentenceOrder(int64_t n, uint64_t seed);

  /// The item at `place` in [0, n): a permutation for every epoch.
  [[nodiscard]] int64_t at(int64_t epoch, int64_t place) const;

 private:
  [[nodiscard]] uint64_t mix(int64_t epoch, uint64_t value) const;

  uint64_t n_;
  uint32_t half_bits_ = 1;
  core::RngKey key_;
};

}  // namespace switchyard::data
