#include "data/evaluation_source.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <vector>

#include "data/vocabulary.h"
#include "tests/engine/data/text_fixture.h"

namespace switchyard::data {

namespace {

using core::ErrorCode;

class EvaluationText : public TextTest {
 protected:
  void open(int num_sentences) {
    data_ = std::make_unique<Dataset>(prepare_train("d", numbered_text(num_sentences)));
  }
  [[nodiscard]] const Split& split() const { return data_->split("train"); }

  /// All targets that count, row after row of every batch.
  [[nodiscard]] std::vector<int32_t> targets_of(EvaluationSource& source) const {
    std::vector<int32_t> targets;
    Batch batch;
    while (source.next(batch)) {
      int64_t num_words = 0;
      const auto tokens = batch.tokens.to_vector<int32_t>();
      const auto all = batch.targets.to_vector<int32_t>();
      for (size_t i = 0; i < all.size(); ++i) {
        EXPECT_TRUE(all[i] >= 0 || (all[i] == -1 && tokens[i] == Vocabulary::kSentenceMark));
        if (all[i] >= 0) {
          targets.push_back(all[i]);
          ++num_words;
        }
      }
      EXPECT_EQ(batch.num_words, num_words);
    }
    return targets;
  }

  std::unique_ptr<Dataset> data_;
};

TEST_F(EvaluationText, TellsWhereItsTargetsStand) {
  open(37);
  for (const bool reset_state : {true, false}) {
    EvaluationSource source(
        split(), {.shape = {.batch_size = 5, .sequence_length = 7}, .reset_state = reset_state});
    Batch batch;
    while (source.next(batch)) {
      const auto tokens = batch.tokens.to_vector<int32_t>();
      const auto targets = batch.targets.to_vector<int32_t>();
      ASSERT_EQ(source.positions().size(), targets.size());
      for (size_t i = 0; i < targets.size(); ++i) {
        const int64_t at = source.positions()[i];
        ASSERT_EQ(at >= 0, targets[i] >= 0);
        if (at >= 0) {
          EXPECT_EQ(split().tokens()[static_cast<size_t>(at)], targets[i]);
          EXPECT_EQ(
              at == 0 ? Vocabulary::kSentenceMark : split().tokens()[static_cast<size_t>(at) - 1],
              tokens[i]);
        }
      }
    }
  }
}

TEST_F(EvaluationText, EachRankKnowsThePositionsOfItsOwnRows) {
  open(37);
  std::vector<int64_t> positions;
  for (const int rank : {0, 1}) {
    EvaluationSource source(
        split(), {.shape = {.batch_size = 3, .sequence_length = 7, .rank = rank, .world_size = 2}});
    Batch batch;
    while (source.next(batch)) {
      std::copy_if(source.positions().begin(), source.positions().end(),
                   std::back_inserter(positions), [](int64_t at) { return at >= 0; });
    }
  }
  std::sort(positions.begin(), positions.end());
  ASSERT_EQ(static_cast<int64_t>(positions.size()), split().num_tokens());
  EXPECT_EQ(std::adjacent_find(positions.begin(), positions.end()), positions.end());
  EXPECT_EQ(positions.back(), split().num_tokens() - 1);
}

TEST_F(EvaluationText, CoversEachTokenOnce) {
  open(37);
  std::vector<int32_t> all(split().tokens().begin(), split().tokens().end());
  std::sort(all.begin(), all.end());
  for (const bool reset_state : {true, false}) {
    for (const int64_t batch_size : {1, 2, 5, 64, 500}) {
      for (const int64_t sequence_length : {1, 3, 20, 1000}) {
        EvaluationSourceConfig config;
        config.shape = {.batch_size = batch_size, .sequence_length = sequence_length};
        config.reset_state = reset_state;
        EvaluationSource source(split(), config);
        std::vector<int32_t> targets = targets_of(source);
        std::sort(targets.begin(), targets.end());
        EXPECT_EQ(targets, all) << batch_size << " x " << sequence_length << " " << reset_state;
      }
    }
  }
}

TEST_F(EvaluationText, ResetsAtSentencesAndPadsTheEnd) {
  data_ = std::make_unique<Dataset>(prepare_train("d", "a\nb c\n"));
  EvaluationSourceConfig config;
  config.shape = {.batch_size = 2, .sequence_length = 4};
  EvaluationSource source(split(), config);
  Batch batch;

  ASSERT_TRUE(source.next(batch));
  EXPECT_EQ(batch.tokens.to_vector<int32_t>(), (std::vector<int32_t>{0, 2, 0, 3, 0, 0, 0, 0}));
  EXPECT_EQ(batch.targets.to_vector<int32_t>(), (std::vector<int32_t>{2, 0, 3, 4, -1, -1, -1, -1}));
  EXPECT_EQ(batch.resets.to_vector<uint8_t>(), (std::vector<uint8_t>{1, 0, 1, 0, 1, 1, 1, 1}));
  EXPECT_EQ(batch.num_words, 4);

  ASSERT_TRUE(source.next(batch));
  EXPECT_EQ(batch.targets.to_vector<int32_t>(),
            (std::vector<int32_t>{0, -1, -1, -1, -1, -1, -1, -1}));
  EXPECT_EQ(batch.num_words, 1);
  EXPECT_FALSE(source.next(batch));
}

TEST_F(EvaluationText, CarriesRunningTextAlongEachStream) {
  data_ = std::make_unique<Dataset>(prepare_train("d", "a b c d\ne f\n"));  // 8 tokens
  EvaluationSourceConfig config;
  config.shape = {.batch_size = 2, .sequence_length = 3};
  config.reset_state = false;
  EvaluationSource source(split(), config);
  Batch batch;

  ASSERT_TRUE(source.next(batch));
  EXPECT_EQ(batch.tokens.to_vector<int32_t>(), (std::vector<int32_t>{0, 2, 3, 5, 0, 6}));
  EXPECT_EQ(batch.targets.to_vector<int32_t>(), (std::vector<int32_t>{2, 3, 4, 0, 6, 7}));
  EXPECT_EQ(batch.resets.to_vector<uint8_t>(), (std::vector<uint8_t>{1, 0, 0, 1, 0, 0}));
  ASSERT_TRUE(source.next(batch));
  EXPECT_EQ(batch.targets.to_vector<int32_t>(), (std::vector<int32_t>{5, -1, -1, 0, -1, -1}));
  EXPECT_EQ(batch.resets.to_vector<uint8_t>(), (std::vector<uint8_t>{0, 1, 1, 0, 1, 1}));
  EXPECT_FALSE(source.next(batch));
}

TEST_F(EvaluationText, StopsAfterTheSentenceThatReachesTheLimit) {
  open(37);
  EvaluationSourceConfig config;
  config.shape = {.batch_size = 3, .sequence_length = 4};
  config.max_words = static_cast<int64_t>(split().sentence_starts()[5]) + 1;
  EvaluationSource source(split(), config);
  EXPECT_EQ(targets_of(source).size(), split().sentence_starts()[6]);
  config.reset_state = false;
  EvaluationSource running(split(), config);
  EXPECT_EQ(static_cast<int64_t>(targets_of(running).size()), config.max_words);
}

TEST_F(EvaluationText, SharesTheRowsOutToRanks) {
  open(37);
  for (const bool reset_state : {true, false}) {
    EvaluationSourceConfig config;
    config.reset_state = reset_state;
    config.shape = {.batch_size = 4, .sequence_length = 5};
    EvaluationSource whole(split(), config);
    std::vector<int32_t> expected = targets_of(whole);
    std::vector<int32_t> joined;
    for (int rank = 0; rank < 2; ++rank) {
      config.shape = {.batch_size = 2, .sequence_length = 5, .rank = rank, .world_size = 2};
      EvaluationSource part(split(), config);
      const std::vector<int32_t> targets = targets_of(part);
      joined.insert(joined.end(), targets.begin(), targets.end());
    }
    std::sort(expected.begin(), expected.end());
    std::sort(joined.begin(), joined.end());
    EXPECT_EQ(joined, expected);
  }
}

TEST_F(EvaluationText, RefusesAConfigurationThatCannotBe) {
  open(2);
  EvaluationSourceConfig config;
  config.max_words = -1;
  EXPECT_DATA_ERROR(EvaluationSource(split(), config), ErrorCode::kInvalidArgument, "max_words");
  config.max_words = 0;
  config.shape.sequence_length = 0;
  EXPECT_DATA_ERROR(EvaluationSource(split(), config), ErrorCode::kInvalidArgument,
                    "sequence_length");
}

}  // namespace

}  // namespace switchyard::data
