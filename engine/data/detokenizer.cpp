#include "data/detokenizer.h"

#include <algorithm>
#include <array>

namespace switchyard::data {

namespace {

bool stands_close(std::string_view word) {
  constexpr std::array<std::string_view, 23> kClose = {
      ",",   ".",       ";",       ":",       "!",      "?",      ")",     "]",
      "}",   "%",       "...",     "'s",      "'m",     "'d",     "'re",   "'ve",
      "'ll", "\u2019s", "\u2019m", "\u2019d", "\u201d", "\u2019", "\u00bb"};
  return std::find(kClose.begin(), kClose.end(), word) != kClose.end();
}

bool opens(std::string_view word) {
  constexpr std::array<std::string_view, 7> kOpen = {"(",      "[",      "{",     "$",
                                                     "\u201c", "\u2018", "\u00ab"};
  return std::find(kOpen.begin(), kOpen.end(), word) != kOpen.end();
}

}  // namespace

std::string Detokenizer::append(std::string_view word) {
  bool blank_before = blank_next_;
  bool blank_after = true;
  if (kind_ == TokenizerKind::kWords) {
    if (word == "\"") {
      blank_before = blank_before && !in_quotes_;
      blank_after = in_quotes_;
      in_quotes_ = !in_quotes_;
    } else {
      blank_before = blank_before && !stands_close(word);
      blank_after = !opens(word);
    }
  }
  blank_next_ = blank_after;
  std::string text(blank_before ? " " : "");
  text += word;
  return text;
}

void Detokenizer::restart() {
  blank_next_ = false;
  in_quotes_ = false;
}

}  // namespace switchyard::data
