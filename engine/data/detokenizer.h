#pragma once

#include <string>
#include <string_view>

#include "data/tokenizer.h"

namespace switchyard::data {

/// Joins words into readable text: puts a blank before each word except where English has none
/// (before , . ; : ! ? ) ] and the endings 's 're ..., after ( [ and an opening quotation mark).
/// With a kBlanks tokenizer every word gets a blank. Threads: [inst].
class Detokenizer {
 public:
  explicit Detokenizer(TokenizerKind kind) : kind_(kind) {}

  /// The text of the next word, with a blank in front where one belongs.
  [[nodiscard]] std::string append(std::string_view word);
  /// Starts a new text: the next word gets no blank.
  void restart();

 private:
  TokenizerKind kind_;
  bool blank_next_ = false;
  bool in_quotes_ = false;  // inside "..."
};

}  // namespace switchyard::data
