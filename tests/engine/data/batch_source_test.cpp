#include "data/batch_source.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "tests/engine/data/text_fixture.h"

namespace switchyard::data {

namespace {

using core::ErrorCode;

struct Values {
  std::vector<int32_t> tokens;
  std::vector<int32_t> targets;
  std::vector<uint8_t> resets;

  bool operator==(const Values&) const = default;
};

Values values_of(const Batch& batch) {
  return {batch.tokens.to_vector<int32_t>(), batch.targets.to_vector<int32_t>(),
          batch.resets.to_vector<uint8_t>()};
}

class BatchSourceText : public TextTest {
 protected:
  void open(int num_sentences, TextLayout layout = TextLayout::kLines) {
    data_ = std::make_unique<Dataset>(prepare_train("d", numbered_text(num_sentences), layout));
  }
  [[nodiscard]] const Split& split() const { return data_->split("train"); }
  [[nodiscard]] static BatchSourceConfig config(int64_t batch_size, int64_t sequence_length) {
    BatchSourceConfig config;
    config.shape = {.batch_size = batch_size, .sequence_length = sequence_length};
    return config;
  }
  /// For each stream the (input, target, reset) of `num_batches` batches.
  struct Step {
    int32_t token, target;
    bool reset;
  };
  [[nodiscard]] static std::vector<std::vector<Step>> streams_of(BatchSource& source,
                                                                 int num_batches) {
    const BatchShape& shape = source.config().shape;
    std::vector<std::vector<Step>> streams(static_cast<size_t>(shape.batch_size));
    Batch batch;
    for (int i = 0; i < num_batches; ++i) {
      source.next(batch);
      EXPECT_EQ(batch.num_words, shape.batch_size * shape.sequence_length);
      const Values v = values_of(batch);
      for (size_t at = 0; at < v.tokens.size(); ++at) {
        streams[at / static_cast<size_t>(shape.sequence_length)].push_back(
            {v.tokens[at], v.targets[at], v.resets[at] != 0});
      }
    }
    return streams;
  }

  std::unique_ptr<Dataset> data_;
};

TEST_F(BatchSourceText, ReadsInOrderWithoutShuffle) {
  data_ = std::make_unique<Dataset>(prepare_train("d", "a b\nc\nd e f\n"));
  BatchSourceConfig plain = config(2, 4);
  plain.shuffle = false;
  BatchSource source(split(), plain);
  Batch batch;

  source.next(batch);
  const auto id = [&](const char* word) { return data_->vocabulary().id_of(word); };

  EXPECT_EQ(batch.tokens.to_vector<int32_t>(),
            (std::vector<int32_t>{0, id("a"), id("b"), 0, 0, id("d"), id("e"), id("f")}));
  EXPECT_EQ(batch.targets.to_vector<int32_t>(),
            (std::vector<int32_t>{id("a"), id("b"), 0, id("c"), id("d"), id("e"), id("f"), 0}));
  EXPECT_EQ(batch.resets.to_vector<uint8_t>(), (std::vector<uint8_t>{1, 0, 0, 1, 1, 0, 0, 0}));

  source.next(batch);  // the first row goes on with the end of "c", then the next epoch begins
  EXPECT_EQ(batch.targets.to_vector<int32_t>(),
            (std::vector<int32_t>{0, id("a"), id("b"), 0, id("c"), 0, id("d"), id("e")}));
  EXPECT_EQ(source.cursor().epoch, 2);
  EXPECT_EQ(source.cursor().words_seen, 16);
}

// Whatever the shape: each stream is a row of whole sentences, each with its reset at the start.
TEST_F(BatchSourceText, KeepsSentencesWholeAlongEachStream) {
  open(50);
  std::set<std::vector<int32_t>> sentences;
  for (int64_t i = 0; i < split().num_sentences(); ++i) {
    const auto sentence = split().sentence(i);
    sentences.emplace(sentence.begin(), sentence.end());
  }
  for (const auto& [batch_size, sequence_length] :
       {std::pair<int64_t, int64_t>{1, 1}, {3, 5}, {7, 2}, {4, 64}}) {
    BatchSource source(split(), config(batch_size, sequence_length));
    for (const std::vector<Step>& stream : streams_of(source, 30)) {
      std::vector<int32_t> sentence;
      for (size_t t = 0; t < stream.size(); ++t) {
        const bool starts = t == 0 || stream[t - 1].target == Vocabulary::kSentenceMark;
        EXPECT_EQ(stream[t].reset, starts);
        EXPECT_EQ(stream[t].token, starts ? Vocabulary::kSentenceMark : stream[t - 1].target);
        sentence.push_back(stream[t].target);
        if (stream[t].target == Vocabulary::kSentenceMark) {
          EXPECT_TRUE(sentences.contains(sentence));
          sentence.clear();
        }
      }
    }
  }
}

TEST_F(BatchSourceText, DealsEachSentenceOnceAnEpoch) {
  open(50);
  const int64_t n = split().num_tokens();
  BatchSource source(split(), config(1, n));
  std::vector<int32_t> all(split().tokens().begin(), split().tokens().end());
  std::sort(all.begin(), all.end());
  Batch batch;
  std::vector<int32_t> before;
  for (int epoch = 0; epoch < 4; ++epoch) {
    source.next(batch);
    std::vector<int32_t> targets = batch.targets.to_vector<int32_t>();
    EXPECT_NE(targets, before) << "each epoch has an order of its own";
    before = targets;
    std::sort(targets.begin(), targets.end());
    EXPECT_EQ(targets, all);
    EXPECT_EQ(source.cursor().epoch, epoch + 1);
  }
}

TEST_F(BatchSourceText, DealsEachSentenceEquallyOftenToManyStreams) {
  open(50);
  BatchSource source(split(), config(6, 7));
  std::map<int32_t, int> starts;  // by the first word, which is different in each sentence
  for (const auto& stream : streams_of(source, 100)) {
    for (const Step& step : stream) {
      starts[step.target] += step.reset ? 1 : 0;
    }
  }
  const auto epochs = static_cast<int>(source.cursor().epoch);
  EXPECT_GE(epochs, 10);
  for (int64_t i = 0; i < split().num_sentences(); ++i) {
    const int count = starts[split().sentence(i)[0]];
    EXPECT_TRUE(count == epochs || count == epochs + 1) << i << ": " << count << " of " << epochs;
  }
}

TEST_F(BatchSourceText, DependsOnTheSeedAlone) {
  open(50);
  BatchSourceConfig other = config(3, 5);
  BatchSource one(split(), other);
  BatchSource two(split(), other);
  other.seed = 2;
  BatchSource three(split(), other);
  Batch a;
  Batch b;
  Batch c;
  one.next(a);
  two.next(b);
  three.next(c);
  EXPECT_EQ(values_of(a), values_of(b));
  EXPECT_NE(values_of(a), values_of(c));
}

class BatchSourceResume : public BatchSourceText,
                          public testing::WithParamInterface<std::pair<bool, bool>> {};

TEST_P(BatchSourceResume, GivesTheSameBatchesFromEveryPosition) {
  open(20);
  BatchSourceConfig wanted = config(3, 4);
  wanted.shuffle = GetParam().first;
  wanted.reset_state = GetParam().second;
  BatchSource source(split(), wanted);
  std::vector<Values> batches;
  std::vector<DataCursor> cursors;
  Batch batch;
  for (int i = 0; i < 40; ++i) {
    cursors.push_back(source.cursor());
    source.next(batch);
    batches.push_back(values_of(batch));
  }
  EXPECT_GE(source.cursor().epoch, 2);
  for (size_t from = 0; from < cursors.size(); ++from) {
    BatchSource resumed(split(), wanted);
    resumed.seek(DataCursor::from_values(cursors[from].to_values()));
    for (size_t i = from; i < batches.size(); ++i) {
      resumed.next(batch);
      ASSERT_EQ(values_of(batch), batches[i]) << "from " << from << " at " << i;
    }
    EXPECT_EQ(resumed.cursor(), source.cursor());
  }
}

TEST_P(BatchSourceResume, GivesEachRankItsRowsOfTheGlobalBatch) {
  open(30);
  BatchSourceConfig wanted = config(6, 4);
  wanted.shuffle = GetParam().first;
  wanted.reset_state = GetParam().second;
  BatchSource whole(split(), wanted);
  std::vector<BatchSource> ranks;
  for (int rank = 0; rank < 3; ++rank) {
    wanted.shape = {.batch_size = 2, .sequence_length = 4, .rank = rank, .world_size = 3};
    ranks.emplace_back(split(), wanted);
  }
  Batch all;
  Batch part;
  for (int i = 0; i < 20; ++i) {
    whole.next(all);
    Values joined;
    for (BatchSource& rank : ranks) {
      rank.next(part);
      EXPECT_EQ(part.num_words, 8);
      const Values v = values_of(part);
      joined.tokens.insert(joined.tokens.end(), v.tokens.begin(), v.tokens.end());
      joined.targets.insert(joined.targets.end(), v.targets.begin(), v.targets.end());
      joined.resets.insert(joined.resets.end(), v.resets.begin(), v.resets.end());
      EXPECT_EQ(rank.cursor(), whole.cursor());
    }
    EXPECT_EQ(joined, values_of(all));
  }
}

INSTANTIATE_TEST_SUITE_P(ShuffleAndReset, BatchSourceResume,
                         testing::Values(std::pair{true, true}, std::pair{false, true},
                                         std::pair{true, false}, std::pair{false, false}));

TEST_F(BatchSourceText, CutsRunningTextIntoEqualStreams) {
  open(20);
  BatchSourceConfig running = config(3, 5);
  running.shuffle = false;
  running.reset_state = false;
  BatchSource source(split(), running);
  const auto tokens = split().tokens();
  const auto n = tokens.size();
  const auto streams = streams_of(source, 40);
  for (size_t s = 0; s < 3; ++s) {
    const size_t begin = n * s / 3;
    const size_t length = n * (s + 1) / 3 - begin;
    for (size_t t = 0; t < streams[s].size(); ++t) {
      const size_t at = begin + t % length;
      EXPECT_EQ(streams[s][t].target, tokens[at]);
      EXPECT_EQ(streams[s][t].token, at == 0 ? Vocabulary::kSentenceMark : tokens[at - 1]);
      EXPECT_EQ(streams[s][t].reset, t % length == 0);
    }
  }
}

TEST_F(BatchSourceText, ReadsEachTokenOfRunningTextOnceAnEpoch) {
  open(20);
  BatchSourceConfig running = config(3, 1);
  running.reset_state = false;
  BatchSource source(split(), running);
  std::vector<int32_t> all(split().tokens().begin(), split().tokens().end());
  std::sort(all.begin(), all.end());
  const size_t n = all.size();
  const auto streams = streams_of(source, static_cast<int>(n));
  for (size_t epoch = 0; epoch < 3; ++epoch) {
    std::vector<int32_t> targets;
    for (size_t s = 0; s < 3; ++s) {
      const size_t length = n * (s + 1) / 3 - n * s / 3;
      for (size_t t = epoch * length; t < std::min((epoch + 1) * length, n); ++t) {
        targets.push_back(streams[s][t].target);
      }
    }
    std::sort(targets.begin(), targets.end());
    if (epoch < 2) {
      EXPECT_EQ(targets, all);
    }
  }
}

TEST_F(BatchSourceText, UsesItsTensorsAgain) {
  open(20);
  BatchSource source(split(), config(3, 5));
  Batch batch;
  source.next(batch);
  const void* tokens = batch.tokens.raw();
  source.next(batch);
  EXPECT_EQ(batch.tokens.raw(), tokens);
}

TEST_F(BatchSourceText, RefusesAConfigurationThatCannotBe) {
  open(2);
  EXPECT_DATA_ERROR(BatchSource(split(), config(0, 5)), ErrorCode::kInvalidArgument, "batch_size");
  EXPECT_DATA_ERROR(BatchSource(split(), config(1, 0)), ErrorCode::kInvalidArgument,
                    "sequence_length");
  BatchSourceConfig wrong = config(1, 1);
  wrong.shape.rank = 1;
  EXPECT_DATA_ERROR(BatchSource(split(), wrong), ErrorCode::kInvalidArgument, "rank");
  wrong = config(1000, 1);
  wrong.reset_state = false;
  EXPECT_DATA_ERROR(BatchSource(split(), wrong), ErrorCode::kInvalidArgument, "smaller batch_size");
}

TEST_F(BatchSourceText, RefusesACursorOfSomethingElse) {
  open(20);
  BatchSource source(split(), config(3, 4));
  DataCursor cursor = source.cursor();
  cursor.by_sentence = false;
  EXPECT_DATA_ERROR(source.seek(cursor), ErrorCode::kInvalidArgument, "reset_state");
  cursor = source.cursor();
  cursor.streams.pop_back();
  EXPECT_DATA_ERROR(source.seek(cursor), ErrorCode::kInvalidArgument, "2 streams");
  cursor = source.cursor();
  cursor.next_sentence = 20;
  EXPECT_DATA_ERROR(source.seek(cursor), ErrorCode::kInvalidArgument, "other data");
  cursor = source.cursor();
  cursor.streams[1] = {.part = 3, .offset = 100};
  EXPECT_DATA_ERROR(source.seek(cursor), ErrorCode::kInvalidArgument, "other data");
  EXPECT_DATA_ERROR((void)DataCursor::from_values(std::vector<int64_t>{1, 2, 3}),
                    ErrorCode::kInvalidArgument, "not a cursor");
}

TEST_F(BatchSourceText, SaysThatATokenIsDamaged) {
  open(20);
  const auto file = path("d") / "train.tokens";
  data_.reset();
  flip_byte(file, 64 + 4 * 3 + 3);  // the highest byte of a word id
  data_ = std::make_unique<Dataset>(path("d"));
  BatchSource source(split(), config(4, 64));
  Batch batch;
  EXPECT_DATA_ERROR(source.next(batch), ErrorCode::kDamaged, "train.tokens: is damaged");
}

TEST(SentenceOrder, IsAPermutationOfAnySize) {
  for (const int64_t n : {1, 2, 3, 5, 16, 17, 100, 1000}) {
    const SentenceOrder order(n, 7);
    for (int64_t epoch = 0; epoch < 3; ++epoch) {
      std::set<int64_t> seen;
      for (int64_t i = 0; i < n; ++i) {
        seen.insert(order.at(epoch, i));
      }
      EXPECT_EQ(static_cast<int64_t>(seen.size()), n);
      EXPECT_EQ(*seen.begin(), 0);
      EXPECT_EQ(*seen.rbegin(), n - 1);
    }
  }
}

// Pearson's chi-square of where item 3 of 10 lands over 10,000 epochs: 9 degrees of freedom, the
// 99.9 % point is 27.9.
TEST(SentenceOrder, PutsAnItemAnywhereEquallyOften) {
  const SentenceOrder order(10, 1);
  std::vector<double> counts(10, 0.0);
  for (int64_t epoch = 0; epoch < 10000; ++epoch) {
    counts[static_cast<size_t>(order.at(epoch, 3))] += 1.0;
  }
  double chi_square = 0.0;
  for (const double count : counts) {
    chi_square += (count - 1000.0) * (count - 1000.0) / 1000.0;
  }
  EXPECT_LT(chi_square, 27.9);
}

// Neighbours must not stay neighbours: in a random order of n the share of i that is followed by
// i + 1 is about 1 / n.
TEST(SentenceOrder, PartsNeighbours) {
  const SentenceOrder order(5000, 1);
  int together = 0;
  for (int64_t i = 0; i + 1 < 5000; ++i) {
    together += order.at(0, i) + 1 == order.at(0, i + 1) ? 1 : 0;
  }
  EXPECT_LT(together, 10);
}

}  // namespace

}  // namespace switchyard::data
