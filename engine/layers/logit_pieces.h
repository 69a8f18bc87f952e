#pragma once

#include <algorithm>
#include <cstdint>

#include "tensor/tensor.h"

namespace switchyard::layers {

/// How many tokens a softmax takes at a time, so that their logits [tokens, num_classes] stay in
/// the cache: pieces of nearly equal length.
[[nodiscard]] inline int64_t tokens_per_piece(int64_t num_tokens, int64_t num_classes) {
  constexpr int64_t kLogitBytesPerPiece = int64_t{32} << 20;
  const int64_t most = std::max<int64_t>(64, kLogitBytesPerPiece / (4 * num_classes));
  const int64_t pieces = std::max<int64_t>(1, (num_tokens + most - 1) / most);
  return std::max<int64_t>(1, (num_tokens + pieces - 1) / pieces);
}

/// The sum of the tokens' losses, in double and in rising order.
[[nodiscard]] inline double sum_of(const tensor::Tensor& nll) {
  double total = 0.0;
  const auto* values = nll.data<float>();
  for (int64_t t = 0; t < nll.count(); ++t) {
    total += values[t];
  }
  return total;
}

}  // namespace switchyard::layers
