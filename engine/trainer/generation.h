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

/// Samples words and hands each to `word` as it comes, those of the prompt first. Words come from
/// the data set's vocabulary; the model forgets a sentence at its end if `reset_state` says that it
/// learned so. Throws Error(kInvalidArgument) as sample_word() does.
void generate(Learner& learner, const data::Dataset& dataset, bool reset_state,
              const GenerateOptions& options, const std::function<void(std::string_view)>& word);

}  // namespace switchyard::trainer
