#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "data/dataset.h"
#include "trainer/learner.h"

namespace switchyard::trainer {

/// How to sample a text.
struct GenerateOptions {
  std::string prompt;        // words; empty = start of a sentence
  int64_t max_words = 50;    // stops earlier at the end of a sentence unless `past_end`
  double temperature = 1.0;  // > 0
  int64_t top_k = 0;         // 0 = all words
  uint64_t seed = 1;
  bool past_end = false;
};

/// Samples words and passes each to `word` at once, those of the prompt first. Words come from the
/// data set's vocabulary. `reset_state` says whether the model was trained to forget a sentence at
/// its end. Throws what sample_word() throws.
void generate(Learner& learner, const data::Dataset& dataset, bool reset_state,
              const GenerateOptions& options, const std::function<void(std::string_view)>& word);

}  // namespace switchyard::trainer
