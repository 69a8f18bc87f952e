#pragma once

#include <cstdint>
#include <span>

#include "data/batch.h"
#include "data/dataset.h"

namespace switchyard::data {

/// The rows of a global batch that one rank fills.
struct BatchShape {
  int64_t batch_size = 64;       // rows of this rank, B
  int64_t sequence_length = 20;  // S
  int rank = 0;
  int world_size = 1;

  [[nodiscard]] int64_t num_streams() const { return batch_size * world_size; }  // of all ranks
  /// Throws Error(kInvalidArgument) if a size is invalid. `where` names the caller.
  void check(const char* where) const;
};

/// Writes text into the rows of a batch. Ignores rows of other ranks.
class BatchRows {
 public:
  /// Allocates the batch's tensors unless they exist with the right shape.
  BatchRows(Batch& batch, const BatchShape& shape, const Split& split);

  /// Writes `text` as the targets of a stream from step t on. The input of each target is the token
  /// before it; that of the first is `before`. Throws Error(kDamaged) for an invalid token.
  void put(int64_t stream, int64_t t, int32_t before, std::span<const int32_t> text, bool reset);
  /// Pads the row of a stream from step t on.
  void pad(int64_t stream, int64_t t);

 private:
  [[nodiscard]] bool is_mine(int64_t stream) const;
  [[nodiscard]] int64_t at(int64_t stream, int64_t t) const;

  Batch& batch_;
  const BatchShape& shape_;
  const Split& split_;
};

}  // namespace switchyard::data
