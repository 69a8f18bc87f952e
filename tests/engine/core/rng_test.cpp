#include "core/rng.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <set>

#include <gtest/gtest.h>

namespace switchyard::core {
namespace {

using Words = std::array<uint32_t, 4>;

// Known answers of the Random123 distribution, file kat_vectors.
TEST(Philox, GivesTheKnownAnswers) {
  constexpr uint32_t kOnes = 0xffffffffU;
  EXPECT_EQ(philox4x32_10({0, 0, 0, 0}, {.k0 = 0, .k1 = 0}),
            (Words{0x6627e8d5U, 0xe169c58dU, 0xbc57ac4cU, 0x9b00dbd8U}));
  EXPECT_EQ(philox4x32_10({kOnes, kOnes, kOnes, kOnes}, {.k0 = kOnes, .k1 = kOnes}),
            (Words{0x408f276dU, 0x41c83b0eU, 0xa20bc7c6U, 0x6d5451fdU}));
  EXPECT_EQ(philox4x32_10({0x243f6a88U, 0x85a308d3U, 0x13198a2eU, 0x03707344U},
                          {.k0 = 0xa4093822U, .k1 = 0x299f31d0U}),
            (Words{0xd16cfe09U, 0x94fdccebU, 0x5001e420U, 0x24126ea1U}));
}

TEST(RngKey, DependsOnSeedOwnerAndPurpose) {
  std::set<uint64_t> keys;
  for (const uint64_t seed : {0U, 1U, 2U}) {
    for (const char* owner : {"", "a", "b", "lstm1.kernel", "lstm2.kernel"}) {
      for (const uint32_t purpose : {1U, 2U, 16U}) {
        const RngKey key = rng_key(seed, owner, purpose);
        keys.insert(uint64_t{key.k1} << 32U | key.k0);
      }
    }
  }
  EXPECT_EQ(keys.size(), 3U * 5U * 3U);
}

TEST(RngCounter, NeverMeetsAnotherPosition) {
  std::set<Words> counters;
  int64_t expected = 0;
  for (const int64_t step : {int64_t{0}, int64_t{1}, int64_t{1} << 32, (int64_t{1} << 48) - 1}) {
    for (const int32_t microbatch : {0, 1, 65535}) {
      for (const uint64_t block : {uint64_t{0}, uint64_t{1}, uint64_t{1} << 32U}) {
        counters.insert(rng_counter({.step = step, .microbatch = microbatch}, block));
        ++expected;
      }
    }
  }
  EXPECT_EQ(static_cast<int64_t>(counters.size()), expected);
}

TEST(RandomWord, IsOneWordOfItsBlock) {
  const RngKey key = rng_key(7, "layer", 2);
  const RngPosition position{.step = 12, .microbatch = 3};
  const Words block = philox4x32_10(rng_counter(position, 25), key);
  for (uint64_t i = 0; i < 4; ++i) {
    EXPECT_EQ(random_word(key, position, 100 + i), block[i]);
  }
}

TEST(UnitFloat, StaysBelowOneAndIsUniform) {
  EXPECT_EQ(unit_float(0), 0.0F);
  EXPECT_LT(unit_float(0xffffffffU), 1.0F);
  constexpr uint64_t kCount = 20000;
  const RngKey key = rng_key(1, "uniform", 4);
  double sum = 0.0;
  double squares = 0.0;
  for (uint64_t i = 0; i < kCount; ++i) {
    const double x = unit_float(random_word(key, {}, i));
    sum += x;
    squares += x * x;
  }
  const double mean = sum / kCount;
  // Five standard errors of a uniform variable's mean and of its second moment.
  EXPECT_NEAR(mean, 0.5, 5.0 * std::sqrt(1.0 / 12.0 / kCount));
  EXPECT_NEAR(squares / kCount, 1.0 / 3.0, 5.0 * std::sqrt(4.0 / 45.0 / kCount));
}

}  // namespace
}  // namespace switchyard::core
