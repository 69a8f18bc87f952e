#include "core/nearest_name.h"

#include <gtest/gtest.h>

namespace switchyard::core {
namespace {

using Names = std::vector<std::string>;

TEST(SimilarNames, AreThoseOfSlips) {
  EXPECT_EQ(similar_names("trian", {"train", "model"}), Names{"train"});
  EXPECT_EQ(similar_names("moddel", {"train", "model"}), Names{"model"});
  EXPECT_EQ(similar_names("gate", {"date", "model"}), Names{"date"});
  EXPECT_EQ(similar_names("sdg", {"noisy_topk", "sgd"}), Names{"sgd"});
  EXPECT_EQ(similar_names("noisy_topk2", {"softmax", "noisy_topk"}), Names{"noisy_topk"});
  EXPECT_EQ(similar_names("zzz", {"abc"}), Names{});
  EXPECT_EQ(similar_names("qqqqqqqq", {"softmax", "sgd"}), Names{});
}

TEST(SimilarNames, AreThoseThatHoldTheName) {
  EXPECT_EQ(similar_names("topk", {"noisy_topk", "softmax"}), Names{"noisy_topk"});
  EXPECT_EQ(similar_names("steps", {"train.log_every_steps", "train.steps"}),
            (Names{"train.steps", "train.log_every_steps"}));
  EXPECT_EQ(similar_names("ax", {"softmax"}), Names{});  // a part that is in too many names
}

TEST(SimilarNames, AreThreeAtMostAndNoneTwice) {
  EXPECT_EQ(similar_names("gate", {"gate1", "gate2", "gate1", "gate3", "gate4"}),
            (Names{"gate1", "gate2", "gate3"}));
}

TEST(DidYouMean, EndsAMessage) {
  EXPECT_EQ(did_you_mean("trian", {"train"}), "; did you mean 'train'?");
  EXPECT_EQ(did_you_mean("zzz", {"train"}), "");
}

}  // namespace
}  // namespace switchyard::core
