#pragma once

#include <cstdint>
#include <span>

namespace switchyard::trainer {

/// How to choose one of several words.
struct SamplingOptions {
  double temperature = 1.0;  // > 0; near 0 the likeliest word always wins
  int64_t top_k = 0;         // only among that many likeliest words; 0 = all
};

/// Chooses a word from logits with one uniform number in [0, 1).
/// Throws Error(kInvalidArgument) unless temperature > 0 and top_k >= 0.
[[nodiscard]] int32_t sample_word(std::span<const float> logits, const SamplingOptions& options,
                                  double uniform);

}  // namespace switchyard::trainer
