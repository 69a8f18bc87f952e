#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/batch.h"
#include "data/batch_rows.h"
#include "data/cursor.h"
#include "data/dataset.h"

namespace switchyard::data {

/// How an EvaluationSource reads its split.
struct EvaluationSourceConfig {
  BatchShape shape;
  bool reset_state = true;  // as in training
  int64_t max_words = 0;    // 0: all; by sentence, the last one is read to its end
};

/// One pass over a split in order: every token is a target exactly once, closing </s> included.
///
/// reset_state: the sentences are dealt to the rows as in BatchSource, resets = 1 at each start.
/// Otherwise the tokens are cut into one stretch per stream (over all ranks). The state is carried
/// along each stretch, and resets = 1 only at its start.
/// A row without text left is padded: targets = -1, resets = 1, tokens = </s>.
/// Threads: [inst]. The split must outlive the source.
class EvaluationSource {
 public:
  /// Throws Error(kInvalidArgument) for an invalid configuration.
  EvaluationSource(const Split& split, const EvaluationSourceConfig& config);

  /// Fills `batch` with this rank's rows; false when no rank has text left. With several ranks, all
  /// rows of one rank can be padding (num_words = 0).
  [[nodiscard]] bool next(Batch& batch);
  /// The positions of the last batch's targets in the split's tokens(), row by row [B * S]; -1 for
  /// padding. The input of the target at p is token p - 1, or the sentence mark if p = 0.
  [[nodiscard]] std::span<const int64_t> positions() const { return positions_; }

 private:
  [[nodiscard]] bool has_text() const;
  void fill(BatchRows& rows, size_t stream);
  void note_positions(int64_t stream, int64_t t, int64_t first, int64_t count);

  // The unread tokens of a stream: [at, end).
  struct Stretch {
    int64_t at = 0;
    int64_t end = 0;
    bool reset = true;
  };

  const Split& split_;
  EvaluationSourceConfig config_;
  int64_t num_sentences_ = 0;  // to deal; 0 for running text
  int64_t next_sentence_ = 0;
  std::vector<Stretch> streams_;
  std::vector<int64_t> positions_;
};

}  // namespace switchyard::data
