#include "layers/class_sampler.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "tests/support/error_matcher.h"

namespace switchyard::layers {
namespace {

constexpr int64_t kWords = 793471;  // of the 1-Billion-Word benchmark
const core::RngKey kKey = core::rng_key(1, "test", 0);

double sum_of_probabilities(const ClassSampler& sampler) {
  double sum = 0.0;
  for (int32_t c = 0; c < sampler.num_classes(); ++c) {
    sum += sampler.probability(c);
  }
  return sum;
}

// The share of steps whose sample has each class, and the mean of its expected count.
struct Frequencies {
  std::vector<double> seen;
  std::vector<double> expected;
};

Frequencies frequencies(ClassSampler& sampler, int64_t num_samples, int64_t num_steps) {
  const auto V = static_cast<size_t>(sampler.num_classes());
  Frequencies f = {std::vector<double>(V, 0.0), std::vector<double>(V, 0.0)};
  std::vector<int32_t> sample(static_cast<size_t>(num_samples));
  const double share = 1.0 / static_cast<double>(num_steps);
  for (int64_t step = 1; step <= num_steps; ++step) {
    const int64_t draws = sampler.draw(kKey, {.step = step}, sample);
    for (const int32_t c : sample) {
      f.seen[static_cast<size_t>(c)] += share;
    }
    for (size_t c = 0; c < V; ++c) {
      f.expected[c] += share * std::exp(sampler.log_expected_count(static_cast<int32_t>(c), draws));
    }
  }
  return f;
}

TEST(ClassSampler, LogUniformHasTheProbabilitiesOfTheReference) {
  const ClassSampler sampler = ClassSampler::log_uniform(kWords);
  EXPECT_NEAR(sampler.probability(0), 0.051026084, 1e-9);
  EXPECT_NEAR(sampler.probability(1), 0.029848346, 1e-9);
  EXPECT_NEAR(sampler.probability(kWords - 1), 9.2776e-8, 1e-12);
  EXPECT_NEAR(sum_of_probabilities(sampler), 1.0, 1e-9);
}

TEST(ClassSampler, LogUniformNeedsAbout16053DrawsFor8192Words) {
  ClassSampler sampler = ClassSampler::log_uniform(kWords);
  std::vector<int32_t> sample(8192);
  double draws = 0.0;
  for (int64_t step = 1; step <= 10; ++step) {
    draws += static_cast<double>(sampler.draw(kKey, {.step = step}, sample)) / 10.0;
  }
  EXPECT_NEAR(draws, 16053.0, 100.0);
}

TEST(ClassSampler, SamplesAreDifferentClassesInOrder) {
  ClassSampler sampler = ClassSampler::log_uniform(1000);
  std::vector<int32_t> sample(500);
  (void)sampler.draw(kKey, {.step = 3}, sample);
  EXPECT_GE(sample.front(), 0);
  EXPECT_LT(sample.back(), 1000);
  for (size_t i = 1; i < sample.size(); ++i) {
    EXPECT_LT(sample[i - 1], sample[i]);
  }
}

TEST(ClassSampler, ASampleDependsOnKeyStepAndMicrobatchOnly) {
  ClassSampler sampler = ClassSampler::log_uniform(1000);
  ClassSampler other = ClassSampler::log_uniform(1000);
  const auto at = [](ClassSampler& s, core::RngKey key, core::RngPosition position) {
    std::vector<int32_t> sample(50);
    (void)s.draw(key, position, sample);
    return sample;
  };
  const std::vector<int32_t> first = at(sampler, kKey, {.step = 5});
  (void)at(sampler, kKey, {.step = 6});
  EXPECT_EQ(at(sampler, kKey, {.step = 5}), first);
  EXPECT_EQ(at(other, kKey, {.step = 5}), first);
  EXPECT_NE(at(sampler, kKey, {.step = 6}), first);
  EXPECT_NE(at(sampler, kKey, {.step = 5, .microbatch = 1}), first);
  EXPECT_NE(at(sampler, core::rng_key(2, "test", 0), {.step = 5}), first);
}

TEST(ClassSampler, ExpectedCountsAreThoseThatAreSeen) {
  ClassSampler by_rank = ClassSampler::log_uniform(40);
  const std::array<int64_t, 40> counts = {1000, 700, 400, 100, 90, 80, 7, 6, 5, 4};
  ClassSampler by_count = ClassSampler::unigram(counts, 0.5);
  for (ClassSampler* sampler : {&by_rank, &by_count}) {
    const Frequencies f = frequencies(*sampler, 8, 4000);
    EXPECT_NEAR(std::accumulate(f.seen.begin(), f.seen.end(), 0.0), 8.0, 1e-6);
    for (size_t c = 0; c < f.seen.size(); ++c) {
      EXPECT_NEAR(f.seen[c], f.expected[c], 0.03) << c;
    }
  }
}

// One draw at a time, so that nothing but the alias table decides.
TEST(ClassSampler, UnigramFollowsThePowerOfTheCounts) {
  const std::array<int64_t, 6> counts = {60, 30, 0, 5, 3, 1};  // a count of 0 is taken as 1
  for (const double power : {1.0, 0.75, 0.0}) {
    ClassSampler sampler = ClassSampler::unigram(counts, power);
    double total = 0.0;
    for (const int64_t count : counts) {
      total += std::pow(static_cast<double>(std::max<int64_t>(count, 1)), power);
    }
    const Frequencies f = frequencies(sampler, 1, 10000);
    for (size_t c = 0; c < counts.size(); ++c) {
      const double p =
          std::pow(static_cast<double>(std::max<int64_t>(counts[c], 1)), power) / total;
      EXPECT_NEAR(sampler.probability(static_cast<int32_t>(c)), p, 1e-12);
      EXPECT_NEAR(f.seen[c], p, 0.02) << c << " power " << power;
    }
    EXPECT_NEAR(sum_of_probabilities(sampler), 1.0, 1e-12);
  }
}

TEST(ClassSampler, CanDrawEveryClass) {
  const std::vector<int64_t> alike(30, 1);
  ClassSampler sampler = ClassSampler::unigram(alike, 1.0);
  std::vector<int32_t> sample(30);
  EXPECT_GE(sampler.draw(kKey, {.step = 1}, sample), 30);
  for (int32_t c = 0; c < 30; ++c) {
    EXPECT_EQ(sample[static_cast<size_t>(c)], c);
  }
}

TEST(ClassSampler, RefusesWhatItCannotDraw) {
  ClassSampler few = ClassSampler::log_uniform(5);
  std::vector<int32_t> sample(6);
  EXPECT_ERROR((void)few.draw(kKey, {}, sample), core::ErrorCode::kInvalidArgument,
               "cannot draw 6 different classes out of 5");
  const std::array<int64_t, 2> counts = {int64_t{1} << 60, 1};
  ClassSampler steep = ClassSampler::unigram(counts, 1.0);
  std::vector<int32_t> both(2);
  EXPECT_ERROR((void)steep.draw(kKey, {}, both), core::ErrorCode::kInvalidArgument,
               "draws gave 1 different classes, not 2: ask for fewer");
  EXPECT_ERROR((void)ClassSampler::unigram({}, 1.0), core::ErrorCode::kInvalidArgument, "got 0");
  EXPECT_ERROR((void)ClassSampler::log_uniform(0), core::ErrorCode::kInvalidArgument, "got 0");
}

}  // namespace
}  // namespace switchyard::layers
