#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace switchyard::data {

/// A character of a text: its code point and its length in bytes.
struct Character {
  uint32_t code = 0;
  size_t num_bytes = 0;
};

/// The character that starts at text[at]. The text must be valid UTF-8 and at < text.size().
[[nodiscard]] Character character_at(std::string_view text, size_t at);

/// The offset of the first byte that is not UTF-8, or text.size() if there is none. Overlong forms,
/// surrogates and code points beyond U+10FFFF are invalid. Source: RFC 3629.
[[nodiscard]] size_t find_invalid_utf8(std::string_view text);

/// White space: blank, tab and line ends, and the blanks of Unicode (U+00A0, U+2000-U+200A, ...).
[[nodiscard]] bool is_blank(uint32_t code);
/// Zero-width characters that separate words: U+200B, U+FEFF. They are not white space.
[[nodiscard]] bool is_zero_width(uint32_t code);
/// '0' to '9'.
[[nodiscard]] bool is_digit(uint32_t code);
/// A letter, a digit, or anything else that is not blank, zero-width or a mark. Outside ASCII the
/// marks are those of Latin-1 (such as « » ¿), U+2010-U+205E, U+20A0-U+20CF, U+2190-U+2BFF,
/// U+3001-U+303F and U+FF01-U+FF0F.
[[nodiscard]] bool is_word_character(uint32_t code);

/// Converts Latin (ASCII, Latin-1, Extended-A), Greek and Cyrillic letters to lower case, whatever
/// the locale.
[[nodiscard]] std::string to_lower(std::string_view text);

}  // namespace switchyard::data
