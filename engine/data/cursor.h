#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace switchyard::data {

/// Where one stream of a BatchSource continues.
struct StreamPosition {
  int64_t part = -1;   // sentences: the one it is in, -1 between two; running text: its epoch
  int64_t offset = 0;  // next token within that part

  [[nodiscard]] bool operator==(const StreamPosition&) const = default;
};

/// Where a BatchSource continues, over all ranks. With the same text and configuration, the next
/// batches are identical to the bit.
struct DataCursor {
  bool by_sentence = true;
  int64_t epoch = 0;                    // of the next sentence; running text: of stream 0
  int64_t next_sentence = 0;            // place in the epoch's order of the next unread sentence
  int64_t words_seen = 0;               // targets handed out, of all ranks
  std::vector<StreamPosition> streams;  // [batch_size * world_size]

  [[nodiscard]] bool operator==(const DataCursor&) const = default;

  /// The cursor as plain numbers, for a checkpoint.
  [[nodiscard]] std::vector<int64_t> to_values() const;
  /// Throws Error(kInvalidArgument) if the numbers are not those of a cursor.
  static DataCursor from_values(std::span<const int64_t> values);
};

}  // namespace switchyard::data
