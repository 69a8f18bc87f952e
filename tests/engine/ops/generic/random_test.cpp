#include "ops/generic/random.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "tests/engine/ops/generic/test_support.h"

namespace switchyard::ops::generic {

namespace {

using tensor::Tensor;

class Random : public CpuTest {
 protected:
  static RandomFill fill_of(Distribution distribution, double a, double b) {
    return {.distribution = distribution,
            .a = a,
            .b = b,
            .key = core::rng_key(7, "layers.1.gate", 16),
            .position = {.step = 5, .microbatch = 2},
            .token_base = 0};
  }

  std::vector<float> sample(const RandomFill& fill, int64_t n) {
    const Tensor y = zeros({n});
    fill_random(cpu_, fill, y);
    return y.to_vector<float>();
  }

  // The words of consecutive elements, by the reference.
  static uint32_t word(const RandomFill& fill, int64_t element) {
    return core::random_word(fill.key, fill.position, static_cast<uint64_t>(element));
  }
};

struct Moments {
  double mean = 0.0;
  double variance = 0.0;
};

Moments moments_of(const std::vector<float>& values) {
  Moments m;
  for (const float v : values) {
    m.mean += static_cast<double>(v);
  }
  m.mean /= static_cast<double>(values.size());
  for (const float v : values) {
    m.variance += (static_cast<double>(v) - m.mean) * (static_cast<double>(v) - m.mean);
  }
  m.variance /= static_cast<double>(values.size());
  return m;
}

}  // namespace

TEST_F(Random, UniformIsTheUnitFloatOfTheElementsWord) {
  const RandomFill fill = fill_of(Distribution::kUniform, 0.0, 1.0);
  const std::vector<float> values = sample(fill, 3001);
  for (int64_t i = 0; i < 3001; ++i) {
    ASSERT_EQ(values[static_cast<size_t>(i)], core::unit_float(word(fill, i))) << i;
  }
}

TEST_F(Random, BernoulliComparesTheUnitFloat) {
  const RandomFill fill = fill_of(Distribution::kBernoulli, 0.3, 0.0);
  const std::vector<float> values = sample(fill, 3001);
  for (int64_t i = 0; i < 3001; ++i) {
    ASSERT_EQ(values[static_cast<size_t>(i)], core::unit_float(word(fill, i)) < 0.3F ? 1.0F : 0.0F);
  }
}

TEST_F(Random, NormalIsBoxMullerOfPairsOfWords) {
  const RandomFill fill = fill_of(Distribution::kNormal, 1.0, 2.0);
  const std::vector<float> values = sample(fill, 3000);
  for (int64_t i = 0; i < 3000; i += 2) {
    const double u = 1.0 - static_cast<double>(core::unit_float(word(fill, i)));
    const double turns = static_cast<double>(core::unit_float(word(fill, i + 1)));
    const double radius = std::sqrt(-2.0 * std::log(u));
    ASSERT_NEAR(values[static_cast<size_t>(i)], 1.0 + 2.0 * radius * std::cos(2.0 * M_PI * turns),
                1e-5);
    ASSERT_NEAR(values[static_cast<size_t>(i) + 1],
                1.0 + 2.0 * radius * std::sin(2.0 * M_PI * turns), 1e-5);
  }
}

TEST_F(Random, GumbelFollowsItsFormula) {
  const RandomFill fill = fill_of(Distribution::kGumbel, 0.5, 2.0);
  const std::vector<float> values = sample(fill, 3001);
  for (int64_t i = 0; i < 3001; ++i) {
    const double u = (static_cast<double>(word(fill, i) >> 9U) + 0.5) * 0x1p-23;
    const double expected = 0.5 - 2.0 * std::log(-std::log(u));
    ASSERT_NEAR(values[static_cast<size_t>(i)], expected, 1e-5 * (1.0 + std::fabs(expected)));
  }
}

TEST_F(Random, MomentsAreThoseOfTheDistribution) {
  constexpr int64_t kCount = 400000;
  const Moments uniform = moments_of(sample(fill_of(Distribution::kUniform, -1.0, 3.0), kCount));
  EXPECT_NEAR(uniform.mean, 1.0, 0.01);
  EXPECT_NEAR(uniform.variance, 16.0 / 12.0, 0.01);
  const Moments normal = moments_of(sample(fill_of(Distribution::kNormal, 0.0, 1.0), kCount));
  EXPECT_NEAR(normal.mean, 0.0, 0.008);
  EXPECT_NEAR(normal.variance, 1.0, 0.012);
  const Moments gumbel = moments_of(sample(fill_of(Distribution::kGumbel, 0.0, 1.0), kCount));
  EXPECT_NEAR(gumbel.mean, 0.5772, 0.01);
  EXPECT_NEAR(gumbel.variance, M_PI * M_PI / 6.0, 0.03);
  const Moments coin = moments_of(sample(fill_of(Distribution::kBernoulli, 0.1, 0.0), kCount));
  EXPECT_NEAR(coin.mean, 0.1, 0.003);
}

TEST_F(Random, NormalNumbersFollowTheNormalDistribution) {
  std::vector<float> values = sample(fill_of(Distribution::kNormal, 0.0, 1.0), 100000);
  std::sort(values.begin(), values.end());
  double distance = 0.0;  // Kolmogorov-Smirnov; 1.95 / sqrt(n) is passed once in a thousand
  for (size_t i = 0; i < values.size(); ++i) {
    const double expected = 0.5 * std::erfc(-static_cast<double>(values[i]) / std::sqrt(2.0));
    distance = std::max(distance, std::fabs(expected - static_cast<double>(i) / 100000.0));
  }
  EXPECT_LT(distance, 1.95 / std::sqrt(100000.0));
}

TEST_F(Random, UniformStaysBelowItsUpperEnd) {
  for (const float v : sample(fill_of(Distribution::kUniform, 1.0, 1.0000002), 10000)) {
    ASSERT_GE(v, 1.0F);
    ASSERT_LT(v, 1.0000002F);
  }
}

TEST_F(Random, ASliceHoldsTheNumbersOfTheWhole) {
  for (const Distribution distribution : {Distribution::kUniform, Distribution::kNormal,
                                          Distribution::kGumbel, Distribution::kBernoulli}) {
    RandomFill fill = fill_of(distribution, 0.25, 0.75);
    const Tensor whole = zeros({1000, 7});
    fill_random(cpu_, fill, whole);
    for (const auto& [first, last] : {std::pair{0, 1}, {1, 1000}, {333, 334}, {700, 951}}) {
      const Tensor part = zeros({last - first, 7});
      fill.token_base = first;
      fill_random(cpu_, fill, part);
      EXPECT_TRUE(same_bits(part, whole.slice(0, first, last))) << first;
    }
  }
}

// Rows apart, like those of one time step among all steps of a sequence.
TEST_F(Random, RowsWithAStrideHoldTheNumbersOfTheWhole) {
  for (const int64_t columns : {1, 7, 300}) {
    RandomFill fill = fill_of(Distribution::kNormal, 0.0, 1.0);
    const Tensor whole = zeros({40, columns});
    fill_random(cpu_, fill, whole);
    const Tensor part = zeros({10, columns});
    fill.token_base = 3;
    fill.token_stride = 4;
    fill_random(cpu_, fill, part);
    for (int64_t row = 0; row < 10; ++row) {
      EXPECT_TRUE(same_bits(part.select(0, row), whole.select(0, 3 + 4 * row))) << row;
    }
  }
}

TEST_F(Random, DoesNotDependOnTheNumberOfThreads) {
  expect_same_for_any_threads([](const Backend& backend) {
    const Tensor y = zeros({100, 777});
    fill_random(backend, fill_of(Distribution::kNormal, 0.0, 1.0), y);
    return y;
  });
}

TEST_F(Random, KeyStepAndMicrobatchChangeTheNumbers) {
  const RandomFill fill = fill_of(Distribution::kUniform, 0.0, 1.0);
  const std::vector<float> base = sample(fill, 16);
  RandomFill other = fill;
  other.key = core::rng_key(8, "layers.1.gate", 16);
  EXPECT_NE(sample(other, 16), base);
  other = fill;
  other.position.step = 6;
  EXPECT_NE(sample(other, 16), base);
  other = fill;
  other.position.microbatch = 3;
  EXPECT_NE(sample(other, 16), base);
  EXPECT_EQ(sample(fill, 16), base);
}

TEST_F(Random, ElementsBeyondFourBillionHaveTheirOwnNumbers) {
  RandomFill fill = fill_of(Distribution::kUniform, 0.0, 1.0);
  fill.token_base = int64_t{1} << 35U;
  const std::vector<float> values = sample(fill, 9);
  for (int64_t i = 0; i < 9; ++i) {
    ASSERT_EQ(values[static_cast<size_t>(i)], core::unit_float(word(fill, fill.token_base + i)));
  }
}

TEST_F(Random, SaysWhatDoesNotFit) {
  const Tensor y = zeros({4, 4});
  expect_invalid([&] { fill_random(cpu_, fill_of(Distribution::kUniform, 1, 0), y); }, "a <= b");
  expect_invalid([&] { fill_random(cpu_, fill_of(Distribution::kNormal, 0, -1), y); }, "0 or more");
  expect_invalid([&] { fill_random(cpu_, fill_of(Distribution::kBernoulli, 2, 0), y); }, "[0, 1]");
  expect_invalid([&] { fill_random(cpu_, fill_of(static_cast<Distribution>(9), 0, 0), y); },
                 "no distribution number 9");
  RandomFill fill = fill_of(Distribution::kUniform, 0, 1);
  expect_invalid([&] { fill_random(cpu_, fill, y.slice(1, 0, 2)); }, "must be contiguous");
  fill.token_base = -1;
  expect_invalid([&] { fill_random(cpu_, fill, y); }, "token_base");
  fill.token_base = 0;
  fill.token_stride = -1;
  expect_invalid([&] { fill_random(cpu_, fill, y); }, "token_stride");
  fill_random(cpu_, fill_of(Distribution::kUniform, 0, 1), zeros({0, 3}));
}

namespace {

constexpr StochasticRounding kRounding = {
    .key = {.k0 = 11, .k1 = 22}, .position = {.step = 3}, .first_element = 1001};

float value_of(tensor::Bf16 rounded) {
  return std::bit_cast<float>(static_cast<uint32_t>(rounded.bits) << 16U);
}

}  // namespace

TEST_F(Random, StochasticRoundingAddsHalfOfAWordAndCuts) {
  const Tensor x = random_tensor({2000});
  const Tensor y = zeros<tensor::Bf16>({2000});
  round_stochastically(cpu_, kRounding, x, y);
  for (int64_t i = 0; i < 2000; ++i) {
    const int64_t element = kRounding.first_element + i;
    const int64_t block = element / 512 * 64 + element % 64;
    const uint32_t word = core::random_word(kRounding.key, kRounding.position,
                                            static_cast<uint64_t>(4 * block + element / 64 % 4));
    const uint32_t half = element % 512 < 256 ? word & 0xFFFFU : word >> 16U;
    const uint32_t bits = std::bit_cast<uint32_t>(x.data<float>()[i]) + half;
    ASSERT_EQ(y.data<tensor::Bf16>()[i].bits, bits >> 16U) << i;
  }
  // A slice gets the same.
  StochasticRounding later = kRounding;
  later.first_element += 700;
  const Tensor part = zeros<tensor::Bf16>({50});
  round_stochastically(cpu_, later, x.slice(0, 700, 750), part);
  for (int64_t i = 0; i < 50; ++i) {
    ASSERT_EQ(part.data<tensor::Bf16>()[i].bits, y.data<tensor::Bf16>()[700 + i].bits);
  }
}

TEST_F(Random, StochasticRoundingIsRightOnAverageAndLeavesWhatFitsAlone) {
  constexpr int64_t kN = 200000;
  const Tensor x = zeros({kN});
  const Tensor y = zeros<tensor::Bf16>({kN});
  const float below = 1.0F;
  const float above = 1.0F + 0x1p-7F;  // the next number of bf16
  std::fill_n(x.data<float>(), kN, below + 0.3F * (above - below));
  round_stochastically(cpu_, kRounding, x, y);
  int64_t up = 0;
  for (int64_t i = 0; i < kN; ++i) {
    const float rounded = value_of(y.data<tensor::Bf16>()[i]);
    ASSERT_TRUE(rounded == below || rounded == above) << rounded;
    up += rounded == above ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(up) / kN, 0.3, 0.005);  // five standard deviations
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> fixed = {0.0F, -0.0F, 1.5F, -2.0F, infinity, -infinity};
  const Tensor exact = Tensor::from<float>({6}, fixed);
  const Tensor kept = zeros<tensor::Bf16>({6});
  round_stochastically(cpu_, kRounding, exact, kept);
  for (size_t i = 0; i < fixed.size(); ++i) {
    EXPECT_EQ(value_of(kept.data<tensor::Bf16>()[i]), fixed[i]);
  }
  exact.data<float>()[0] = std::numeric_limits<float>::quiet_NaN();
  round_stochastically(cpu_, kRounding, exact, kept);
  EXPECT_TRUE(std::isnan(value_of(kept.data<tensor::Bf16>()[0])));
}

}  // namespace switchyard::ops::generic
