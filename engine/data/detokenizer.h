#pragma once

#include <string>
#include <string_view>

#include "data/tokenizer.h"

namespace switchyard::data {

/// Joins words for reading: puts a blank before each word but where English print has none (before
/// , . ; : ! ? ) ] and the endings 's 're ..., after ( [ and an opening quotation mark). With a
/// kBlanks tokenizer every word gets its blank. Threads: [inst].
class Detokenizer {
 public:
  explicit Detokenizer(TokenizerKind kind) : kind_(kind) {}

  /// What to print for the next word: the word, with a blank in front where one belongs.
  [[nodiscard]] std::string append(std::string_view word);
  /// Forgets the words so far: the next one gets no blank.
  void restart();

 private:
  TokenizerKind kind_;
  bool blank_next_ = false;
  bool in_quotes_ = false;  // inside "..."
};

}  // namespace switchyard::data
