#include "data/prefetcher.h"

#include <memory>
#include <set>
#include <vector>

#include "tests/engine/data/text_fixture.h"

namespace switchyard::data {

namespace {

using core::ErrorCode;

class PrefetchedText : public TextTest {
 protected:
  PrefetchedText() : data_(std::make_unique<Dataset>(prepare_train("d", numbered_text(60)))) {}

  [[nodiscard]] BatchSource source() const {
    BatchSourceConfig config;
    config.shape = {.batch_size = 3, .sequence_length = 5};
    return BatchSource(data_->split("train"), config);
  }

  std::unique_ptr<Dataset> data_;
};

TEST_F(PrefetchedText, GivesTheBatchesAndCursorsOfItsSource) {
  BatchSource plain = source();
  Prefetcher prefetcher(source());
  EXPECT_EQ(prefetcher.cursor(), plain.cursor());
  Batch expected;
  for (int i = 0; i < 200; ++i) {
    plain.next(expected);
    const Batch& batch = prefetcher.next();
    EXPECT_EQ(batch.tokens.to_vector<int32_t>(), expected.tokens.to_vector<int32_t>());
    EXPECT_EQ(batch.targets.to_vector<int32_t>(), expected.targets.to_vector<int32_t>());
    EXPECT_EQ(batch.resets.to_vector<uint8_t>(), expected.resets.to_vector<uint8_t>());
    EXPECT_EQ(batch.num_words, expected.num_words);
    EXPECT_EQ(prefetcher.cursor(), plain.cursor());
  }
  EXPECT_EQ(prefetcher.cursor().words_seen, 200 * 15);
}

TEST_F(PrefetchedText, UsesThreeBuffersAgainAndAgain) {
  Prefetcher prefetcher(source());
  std::set<const void*> buffers;
  for (int i = 0; i < 50; ++i) {
    buffers.insert(prefetcher.next().tokens.raw());
  }
  EXPECT_LE(buffers.size(), 3U);
}

TEST_F(PrefetchedText, GoesOnAtACursor) {
  Prefetcher prefetcher(source());
  for (int i = 0; i < 7; ++i) {
    (void)prefetcher.next();
  }
  const DataCursor cursor = prefetcher.cursor();
  const std::vector<int32_t> expected = prefetcher.next().tokens.to_vector<int32_t>();
  for (int i = 0; i < 5; ++i) {
    (void)prefetcher.next();
  }
  prefetcher.seek(cursor);
  EXPECT_EQ(prefetcher.cursor(), cursor);
  EXPECT_EQ(prefetcher.next().tokens.to_vector<int32_t>(), expected);
}

TEST_F(PrefetchedText, GoesOnWhereItWasAfterABadSeek) {
  BatchSource plain = source();
  Prefetcher prefetcher(source());
  Batch expected;
  plain.next(expected);
  (void)prefetcher.next();
  EXPECT_DATA_ERROR(prefetcher.seek(DataCursor{}), ErrorCode::kInvalidArgument, "streams");
  plain.next(expected);
  EXPECT_EQ(prefetcher.next().tokens.to_vector<int32_t>(), expected.tokens.to_vector<int32_t>());
}

// Its thread may be waiting, filling a batch or just starting.
TEST_F(PrefetchedText, CanBeDestroyedAtAnyMoment) {
  Batch first;
  BatchSource plain = source();
  plain.next(first);
  for (int i = 0; i < 20; ++i) {
    Prefetcher prefetcher(source());
    if (i % 2 == 0) {
      EXPECT_EQ(prefetcher.next().tokens.to_vector<int32_t>(), first.tokens.to_vector<int32_t>());
    }
  }
}

TEST_F(PrefetchedText, ThrowsWhatTheSourceThrewAfterTheBatchesBefore) {
  data_.reset();
  flip_byte(path("d") / "train.tokens", 64 + 4 * 100 + 3);
  data_ = std::make_unique<Dataset>(path("d"));
  BatchSource plain = source();
  Prefetcher prefetcher(source());
  Batch expected;
  int num_good = 0;
  try {
    for (;; ++num_good) {
      plain.next(expected);
    }
  } catch (const core::Error&) {
  }
  for (int i = 0; i < num_good; ++i) {
    (void)prefetcher.next();
  }
  const DataCursor cursor = prefetcher.cursor();
  EXPECT_DATA_ERROR((void)prefetcher.next(), ErrorCode::kDamaged, "train.tokens: is damaged");
  EXPECT_DATA_ERROR((void)prefetcher.next(), ErrorCode::kDamaged, "train.tokens: is damaged");
  EXPECT_EQ(prefetcher.cursor(), cursor);
}

}  // namespace

}  // namespace switchyard::data
