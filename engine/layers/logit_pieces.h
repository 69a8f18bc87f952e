#pragma once

#include <algorithm>
#include <cstdint>

namespace switchyard::layers {

/// The number of tokens that a softmax handles at a time so that their logits [tokens, num_classes]
/// stay in the cache. Pieces have nearly equal length.
[[nodiscard]] inline int64_t tokens_per_piece(int64_t num_tokens, int64_t num_classes) {
  constexpr int64_t kLogitBytesPerPiece = int64_t{32} << 20;
  const int64_t most = std::max<int64_t>(64, kLogitBytesPerPiece / (4 * num_classes));
  const int64_t pieces = std::max<int64_t>(1, (num_tokens + most - 1) / most);
  return std::max<int64_t>(1, (num_tokens + pieces - 1) / pieces);
}

}  // namespace switchyard::layers
