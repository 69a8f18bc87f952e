#include "analysis/pair_counts.h"

#include <cmath>
#include <map>
#include <utility>

#include <gtest/gtest.h>

#include "core/rng.h"

namespace switchyard::analysis {
namespace {

// From a table written as rows of counts.
PairCounts table(const std::vector<std::vector<int>>& rows) {
  PairCounts counts;
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t c = 0; c < rows[r].size(); ++c) {
      for (int i = 0; i < rows[r][c]; ++i) {
        counts.add(static_cast<int32_t>(r), static_cast<int32_t>(c));
      }
    }
  }
  return counts;
}

TEST(PairCounts, EqualsAPlainMapThroughManyMerges) {
  PairCounts counts;
  std::map<std::pair<int32_t, int32_t>, int64_t> plain;
  const core::RngKey key = core::rng_key(1, "pairs", 0);
  for (uint64_t i = 0; i < 200'000; ++i) {
    const uint32_t word = core::random_word(key, {}, i);
    const auto row = static_cast<int32_t>(word % 97);
    // Large ids too: they must not run into the row's bits.
    const auto column = static_cast<int32_t>((word >> 8U) % 1000 * 2'000'000);
    counts.add(row, column);
    ++plain[{row, column}];
    if (i == 70'000) {
      EXPECT_GT(counts.cells().size(), 1000U);  // asking in between changes nothing
    }
  }
  std::vector<PairCounts::Cell> expected;
  for (const auto& [pair, count] : plain) {
    expected.push_back({.row = pair.first, .column = pair.second, .count = count});
  }
  const auto cells = counts.cells();
  EXPECT_EQ(std::vector<PairCounts::Cell>(cells.begin(), cells.end()), expected);
}

TEST(PairCounts, IsEmptyAtFirst) {
  PairCounts counts;
  EXPECT_TRUE(counts.cells().empty());
  const Association found = associate(counts.cells());
  EXPECT_EQ(found.total, 0);
  EXPECT_EQ(found.normalised_information(), 0.0);
}

TEST(Association, KnowsPerfectAgreementAndNone) {
  PairCounts same = table({{5, 0}, {0, 5}});
  const Association perfect = associate(same.cells());
  EXPECT_NEAR(perfect.mutual_information, std::log(2.0), 1e-12);
  EXPECT_NEAR(perfect.normalised_information(), 1.0, 1e-12);
  EXPECT_EQ(perfect.purity, 1.0);
  PairCounts independent = table({{2, 4}, {3, 6}});
  const Association none = associate(independent.cells());
  EXPECT_NEAR(none.mutual_information, 0.0, 1e-12);
  EXPECT_EQ(none.corrected_information, 0.0);
  EXPECT_NEAR(none.purity, 10.0 / 15.0, 1e-12);
}

// Worked by hand from the definitions.
TEST(Association, EqualsTheWorkedExample) {
  PairCounts counts = table({{3, 1}, {1, 3}});
  const Association found = associate(counts.cells());
  EXPECT_EQ(found.total, 8);
  EXPECT_NEAR(found.row_entropy, std::log(2.0), 1e-12);
  EXPECT_NEAR(found.column_entropy, std::log(2.0), 1e-12);
  EXPECT_NEAR(found.mutual_information, 0.75 * std::log(1.5) + 0.25 * std::log(0.5), 1e-12);
  EXPECT_NEAR(found.corrected_information, found.mutual_information - 1.0 / 16.0, 1e-12);
  EXPECT_NEAR(found.purity, 0.75, 1e-12);
}

// With independent rows and columns the correction takes away what the plain estimate shows.
TEST(Association, CorrectsForChance) {
  PairCounts counts;
  const core::RngKey key = core::rng_key(2, "chance", 0);
  for (uint64_t i = 0; i < 40'000; ++i) {
    const uint32_t word = core::random_word(key, {}, i);
    counts.add(static_cast<int32_t>(word & 31U), static_cast<int32_t>(word >> 16U & 63U));
  }
  const Association found = associate(counts.cells());
  EXPECT_GT(found.mutual_information, 0.02);
  EXPECT_LT(found.corrected_information, 0.1 * found.mutual_information);
}

TEST(Association, EntropyOfCounts) {
  EXPECT_NEAR(entropy(std::vector<int64_t>{4, 4, 4, 4}), std::log(4.0), 1e-12);
  EXPECT_NEAR(entropy(std::vector<int64_t>{1, 0, 3}),
              -0.25 * std::log(0.25) - 0.75 * std::log(0.75), 1e-12);
  EXPECT_EQ(entropy(std::vector<int64_t>{7}), 0.0);
  EXPECT_EQ(entropy({}), 0.0);
}

}  // namespace
}  // namespace switchyard::analysis
