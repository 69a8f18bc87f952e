#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/function_ref.h"

namespace switchyard::data {

/// How a tokenizer cuts text.
enum class TokenizerKind {
  kWords,   // separates words and punctuation
  kBlanks,  // splits at white space only: for text that is already tokenized
};

/// The name of a kind: "words", "blanks".
[[nodiscard]] std::string_view name_of(TokenizerKind kind);
/// The kind of a name. Throws Error(kInvalidArgument) for any other name.
[[nodiscard]] TokenizerKind tokenizer_kind_of(std::string_view name);

/// The settings of a Tokenizer.
struct TokenizerOptions {
  TokenizerKind kind = TokenizerKind::kWords;
  bool lower_case = false;

  [[nodiscard]] bool operator==(const TokenizerOptions&) const = default;
};

/// Cuts a text into words.
///
/// kBlanks splits at white space and changes nothing else, so that tokenized text keeps its tokens.
/// kWords also splits at zero-width characters, and then cuts from left to right:
///   * a word is a run of letters and digits. One mark may stand inside it: an apostrophe (' or ’),
///     a hyphen between two of them ("well-known", "o'clock"), and . , : between two digits
///     ("1,234.5", "10:30");
///   * the English endings 's 'm 'd 're 've 'll are words of their own ("dog" "'s"); "don't" stays
///     one word;
///   * single letters with a full stop after each, two or more, are one word ("U.S.", "e.g.");
///   * every other character is a separate word; a run of the same mark is one word ("--", "...").
///   "Mr." is "Mr" ".".
/// Threads: [any], immutable.
class Tokenizer {
 public:
  explicit Tokenizer(TokenizerOptions options = {}) : options_(options) {}

  [[nodiscard]] const TokenizerOptions& options() const { return options_; }

  /// Calls `word` for the words of valid UTF-8 in order. A view is valid during the call only.
  void cut(std::string_view text, core::FunctionRef<void(std::string_view)> word) const;
  /// The words as a list. Throws Error(kInvalidArgument) if the text is not valid UTF-8.
  [[nodiscard]] std::vector<std::string> words_of(std::string_view text) const;

 private:
  TokenizerOptions options_;
};

}  // namespace switchyard::data
