#pragma once

#include <cstdint>
#include <span>

#include "data/batch.h"
#include "data/dataset.h"

namespace switchyard::data {

/// Which rows of a global batch a rank fills, and how they are written.
struct BatchShape {
  int64_t batch_size = 64;       // rows of this rank, B
  int64_t sequence_length = 20;  // S
  int rank = 0;
  int world_size = 1;

  [[nodiscard]] int64_t num_streams() const { return batch_size * world_size; }  // of all ranks
  /// Throws Error(kInvalidArgument) with what is wrong. `where` names the caller.
  void check(const char* where) const;
};

/// Writes text into the rows of one batch. Rows of other ranks are left out.
class BatchRows {
 public:
  /// Makes the batch's tensors if they are not there or have another shape.
  BatchRows(Batch& batch, const BatchShape& shape, const Split& split);

  /// Writes `text` as the targets of a stream from step t on; the input at each is the token before
  /// it, at the first `before`. Throws Error(kDamaged) for a token that is no word.
  void put(int64_t stream, int64_t t, int32_t before, std::span<const int32_t> text, bool reset);
  /// Fills a stream's row with padding from step t on.
  void pad(int64_t stream, int64_t t);

 private:
  [[nodiscard]] bool is_mine(int64_t stream) const;
  [[nodiscard]] int64_t at(int64_t stream, int64_t t) const;

  Batch& batch_;
  const BatchShape& shape_;
  const Split& split_;
};

}  // namespace switchyard::data
