#pragma once

#include <cstdint>

#include "data/batch.h"
#include "data/batch_rows.h"
#include "data/cursor.h"
#include "data/dataset.h"
#include "data/sentence_order.h"

namespace switchyard::data {

/// How a BatchSource reads its split.
struct BatchSourceConfig {
  BatchShape shape;  // rows of this rank, steps, rank, world size
  bool shuffle = true;
  bool reset_state = true;  // by sentence; false: running text, state carried on
  uint64_t seed = 1;        // of the shuffling
};

/// An endless source of training text: every token of a split once per epoch, without padding.
/// A token's input is the word before it (</s> before a sentence's first word), its target the word
/// itself, so each word and each closing </s> is a target.
///
/// reset_state (by sentence): the sentences, in the epoch's order, are dealt to the streams: the
/// rows are filled from the first to the last, and a row whose sentence ends takes the next unread
/// one. Stream b continues in the next batch. resets = 1 at each sentence's first token. Epochs
/// follow each other without a gap. shuffle: the sentences get a new order in every epoch.
///
/// !reset_state (running text): the tokens are cut into as many equal stretches as there are
/// streams (lengths differ by one at most), each stream reads its own, and then the next epoch's.
/// The input at a stretch's start is the word before it in the text. resets = 1 where a
/// stream starts an epoch and at the first token of the split. shuffle: in every epoch
/// the split is treated as a ring and cut at another random token.
///
/// The order depends on seed, split and the number of streams over all ranks, not on which rank
/// reads which. Threads: [inst]. The split must outlive the source.
class BatchSource {
 public:
  /// Throws Error(kInvalidArgument) for an invalid configuration: sizes below 1, a rank outside the
  /// world, more streams than tokens of running text.
  BatchSource(const Split& split, const BatchSourceConfig& config);

  /// Fills `batch` with this rank's next rows, reusing its tensors if they have the right shape.
  /// Throws Error(kDamaged) if the split is damaged.
  void next(Batch& batch);

  /// Where the next batch starts.
  [[nodiscard]] const DataCursor& cursor() const { return cursor_; }
  /// Continues at a cursor from a source with the same split and number of streams. Throws
  /// Error(kInvalidArgument) if the cursor does not fit.
  void seek(const DataCursor& cursor);

  [[nodiscard]] const BatchSourceConfig& config() const { return config_; }
  [[nodiscard]] const Split& split() const { return *split_; }

 private:
  void fill_by_sentence(BatchRows& rows, int64_t stream);
  void fill_running(BatchRows& rows, int64_t stream);
  void take_sentence(StreamPosition& position);
  [[nodiscard]] int64_t stretch_begin(int64_t stream) const;

  const Split* split_;
  BatchSourceConfig config_;
  SentenceOrder sentence_order_;  // of the sentences
  SentenceOrder token_order_;     // its first token is where an epoch of running text starts
  DataCursor cursor_;
};

}  // namespace switchyard::data
