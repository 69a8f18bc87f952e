#include "trainer/text_sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "core/error.h"

namespace switchyard::trainer {

int32_t sample_word(std::span<const float> logits, const SamplingOptions& options, double uniform) {
  core::require(options.temperature > 0.0, "generate: temperature must be above 0, got {}",
                options.temperature);
  core::require(options.top_k >= 0, "generate: top_k must be 0 (all words) or more, got {}",
                options.top_k);
  core::require(!logits.empty(), "generate: there must be at least one word to choose from");
  std::vector<int32_t> words(logits.size());
  std::iota(words.begin(), words.end(), 0);
  const auto likelier = [&](int32_t a, int32_t b) {
    const float x = logits[static_cast<size_t>(a)];
    const float y = logits[static_cast<size_t>(b)];
    return x > y || (x == y && a < b);
  };
  const auto wanted = static_cast<size_t>(options.top_k);
  if (wanted > 0 && wanted < words.size()) {
    std::nth_element(words.begin(), words.begin() + static_cast<int64_t>(wanted), words.end(),
                     likelier);
    words.resize(wanted);
    std::sort(words.begin(), words.end(), likelier);
  }
  const double largest =
      logits[static_cast<size_t>(*std::min_element(words.begin(), words.end(), likelier))];
  std::vector<double> weights(words.size());
  for (size_t i = 0; i < words.size(); ++i) {
    const double logit = logits[static_cast<size_t>(words[i])];
    weights[i] = std::exp((logit - largest) / options.temperature);
  }
  double left = uniform * std::accumulate(weights.begin(), weights.end(), 0.0);
  for (size_t i = 0; i < words.size(); ++i) {
    left -= weights[i];
    if (left < 0.0) {
      return words[i];
    }
  }
  return words.back();
}

}  // namespace switchyard::trainer
