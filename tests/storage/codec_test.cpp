#include <cmath>
#include <cstring>
#include <limits>

#include "storage/expert_codec.h"
#include "tests/storage/run_fixture.h"

namespace switchyard::storage {
namespace {

TEST(ExpertCodec, KeepsEveryBitInBothEncodings) {
  std::vector<float> values = random_values(5000, 1);
  values[0] = std::numeric_limits<float>::quiet_NaN();
  values[1] = -0.0F;
  values[2] = std::numeric_limits<float>::denorm_min();
  for (const Encoding encoding : {Encoding::kRaw, Encoding::kShuffled}) {
    const Bytes bytes = encode(values, encoding);
    const auto back = decode(bytes, 5000, static_cast<int64_t>(encoding));
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(std::memcmp(back->data(), values.data(), values.size() * sizeof(float)), 0);
  }
  EXPECT_LT(encode(values, Encoding::kShuffled).size(), values.size() * sizeof(float));
}

TEST(ExpertCodec, RefusesBytesThatDoNotFit) {
  const Bytes packed = encode(random_values(100, 1), Encoding::kShuffled);
  EXPECT_FALSE(decode(packed, 99, 1).has_value());
  EXPECT_FALSE(decode(packed, 101, 1).has_value());
  EXPECT_FALSE(decode(packed, 100, 0).has_value());
  EXPECT_FALSE(decode(packed, 100, 2).has_value());
  EXPECT_FALSE(decode(packed, -1, 1).has_value());
  EXPECT_FALSE(decode(std::span(packed).first(packed.size() / 2), 100, 1).has_value());
  EXPECT_FALSE(decode_unsized(std::span(packed).first(packed.size() / 2), 1).has_value());
  EXPECT_EQ(decode_unsized(packed, 1)->size(), 100U);
}

TEST(ExpertCodec, PutsEveryExpertIntoOneBin) {
  const std::vector<float> ones(1000, 1.0F);
  const std::vector<float> sums = bin_sums(ones, 512);
  double total = 0.0;
  for (const float sum : sums) {
    EXPECT_GE(sum, 1.0F);
    EXPECT_LE(sum, 2.0F);
    total += sum;
  }
  EXPECT_EQ(total, 1000.0);
}

TEST(ExpertCodec, SummarizesByTheDefinitions) {
  // Load 1, 3: mean 2, population variance 1, squared CV 1/4.
  const std::vector<float> load = {1.0F, 3.0F};
  const std::vector<float> nothing = {0.0F, 0.0F};
  const std::vector<float> tokens = {0.0F, 8.0F};
  const ExpertSummary some = summarize(5, load, nothing, tokens, 3);
  EXPECT_EQ(some.step, 5);
  EXPECT_DOUBLE_EQ(some.cv2_importance, 0.25);
  EXPECT_TRUE(std::isnan(some.cv2_load));
  EXPECT_DOUBLE_EQ(some.max_over_mean, 2.0);
  EXPECT_EQ(some.dead, 1);
  EXPECT_EQ(some.top_expert, 1);
  EXPECT_DOUBLE_EQ(some.top_share, 1.0);
  EXPECT_EQ(some.dropped, 3);
  const ExpertSummary none = summarize(5, load, load, nothing, 0);
  EXPECT_EQ(none.dead, 2);
  EXPECT_EQ(none.top_expert, -1);
}

}  // namespace
}  // namespace switchyard::storage
