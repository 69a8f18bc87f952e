#include "data/tokenizer.h"

#include <algorithm>
#include <array>

#include "core/error.h"
#include "data/utf8.h"

namespace switchyard::data {

namespace {

using WordSink = core::FunctionRef<void(std::string_view)>;

constexpr uint32_t kCurlyApostrophe = 0x2019;
constexpr uint32_t kHyphen = 0x2010;

bool is_apostrophe(uint32_t code) {
  return code == '\'' || code == kCurlyApostrophe;
}

bool is_ascii_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Whether `mark` may stand inside a word between these two characters.
bool joins(uint32_t before, uint32_t mark, uint32_t after) {
  if (!is_word_character(after)) {
    return false;
  }
  if (is_apostrophe(mark) || mark == '-' || mark == kHyphen) {
    return true;
  }
  return (mark == '.' || mark == ',' || mark == ':') && is_digit(before) && is_digit(after);
}

// End of "U.S." at text[at], or `at` if no such abbreviation starts there.
size_t end_of_initials(std::string_view text, size_t at) {
  size_t end = at;
  while (end + 1 < text.size() && is_ascii_letter(text[end]) && text[end + 1] == '.') {
    end += 2;
  }
  const bool goes_on = end < text.size() && is_word_character(character_at(text, end).code);
  return end - at >= 4 && !goes_on ? end : at;
}

// Where the word at text[at] ends, its first character being a word character.
size_t end_of_word(std::string_view text, size_t at) {
  Character last = character_at(text, at);
  size_t end = at + last.num_bytes;
  while (end < text.size()) {
    const Character next = character_at(text, end);
    if (is_word_character(next.code)) {
      last = next;
      end += next.num_bytes;
      continue;
    }
    const size_t behind = end + next.num_bytes;
    if (behind >= text.size() || !joins(last.code, next.code, character_at(text, behind).code)) {
      break;
    }
    end = behind;
  }
  return end;
}

size_t end_of_marks(std::string_view text, size_t at) {
  const Character mark = character_at(text, at);
  size_t end = at + mark.num_bytes;
  while (end < text.size() && text.substr(end, mark.num_bytes) == text.substr(at, mark.num_bytes)) {
    end += mark.num_bytes;
  }
  return end;
}

// Bytes of the English ending with its apostrophe at the end of `word`, 0 if there is none.
size_t size_of_ending(std::string_view word) {
  constexpr std::array<std::string_view, 6> kEndings = {"s", "m", "d", "re", "ve", "ll"};
  for (const std::string_view ending : kEndings) {
    if (word.size() <= ending.size()) {
      continue;
    }
    const std::string_view tail = word.substr(word.size() - ending.size());
    const std::string_view head = word.substr(0, word.size() - ending.size());
    const bool same = std::equal(tail.begin(), tail.end(), ending.begin(), [](char a, char b) {
      return is_ascii_letter(a) &&
             (static_cast<unsigned char>(a) | 0x20U) == static_cast<unsigned char>(b);
    });
    if (same && head.size() > 1 && head.ends_with('\'')) {
      return ending.size() + 1;
    }
    if (same && head.size() > 3 && head.ends_with("\u2019")) {
      return ending.size() + 3;
    }
  }
  return 0;
}

void cut_words(std::string_view piece, WordSink word) {
  for (size_t at = 0; at < piece.size();) {
    if (!is_word_character(character_at(piece, at).code)) {
      const size_t end = end_of_marks(piece, at);
      word(piece.substr(at, end - at));
      at = end;
      continue;
    }
    const size_t initials_end = end_of_initials(piece, at);
    const size_t end = initials_end > at ? initials_end : end_of_word(piece, at);
    const std::string_view whole = piece.substr(at, end - at);
    const size_t ending = size_of_ending(whole);
    word(whole.substr(0, whole.size() - ending));
    if (ending > 0) {
      word(whole.substr(whole.size() - ending));
    }
    at = end;
  }
}

void cut_blanks(std::string_view text, bool at_zero_width, WordSink piece) {
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    const Character c = character_at(text, at);
    if (is_blank(c.code) || (at_zero_width && is_zero_width(c.code))) {
      if (at > begin) {
        piece(text.substr(begin, at - begin));
      }
      begin = at + c.num_bytes;
    }
    at += c.num_bytes;
  }
  if (begin < text.size()) {
    piece(text.substr(begin));
  }
}

}  // namespace

std::string_view name_of(TokenizerKind kind) {
  return kind == TokenizerKind::kWords ? "words" : "blanks";
}

TokenizerKind tokenizer_kind_of(std::string_view name) {
  for (const TokenizerKind kind : {TokenizerKind::kWords, TokenizerKind::kBlanks}) {
    if (name == name_of(kind)) {
      return kind;
    }
  }
  core::fail(core::ErrorCode::kInvalidArgument,
             "tokenizer: must be \"words\" or \"blanks\", got \"{}\"", name);
}

void Tokenizer::cut(std::string_view text, WordSink word) const {
  const std::string lowered = options_.lower_case ? to_lower(text) : std::string();
  const std::string_view source = options_.lower_case ? std::string_view(lowered) : text;
  if (options_.kind == TokenizerKind::kBlanks) {
    cut_blanks(source, false, word);
  } else {
    cut_blanks(source, true, [&](std::string_view piece) { cut_words(piece, word); });
  }
}

std::vector<std::string> Tokenizer::words_of(std::string_view text) const {
  const size_t bad = find_invalid_utf8(text);
  core::require(bad == text.size(), "tokenizer: the text must be UTF-8, byte {} is not", bad);
  std::vector<std::string> words;
  cut(text, [&](std::string_view word) { words.emplace_back(word); });
  return words;
}

}  // namespace switchyard::data
