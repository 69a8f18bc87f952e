#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace switchyard::data {

/// One character of a text: its code point and how many bytes spell it.
struct Character {
  uint32_t code = 0;
  size_t num_bytes = 0;
};

/// The character that starts at text[at]. The text must be valid UTF-8 and at < text.size().
[[nodiscard]] Character character_at(std::string_view text, size_t at);

/// Offset of the first byte that is no UTF-8 (overlong forms, surrogates and code points beyond
/// U+10FFFF are none), or text.size() if all is well. Source: RFC 3629.
[[nodiscard]] size_t find_invalid_utf8(std::string_view text);

/// White space: blank, tab and line ends, and the blanks of Unicode (U+00A0, U+2000-U+200A, ...).
[[nodiscard]] bool is_blank(uint32_t code);
/// The marks of Unicode that take no room and part words: U+200B, U+FEFF. They are no white space.
[[nodiscard]] bool is_zero_width(uint32_t code);
/// '0' to '9'.
[[nodiscard]] bool is_digit(uint32_t code);
/// A letter, a digit or whatever else is neither blank, of no width nor a mark. Outside ASCII the
/// marks are those of Latin-1 (such as « » ¿), U+2010-U+205E, U+20A0-U+20CF, U+2190-U+2BFF,
/// U+3001-U+303F and U+FF01-U+FF0F.
[[nodiscard]] bool is_word_character(uint32_t code);

/// The text in lower case: Latin (ASCII, Latin-1, Extended-A), Greek and Cyrillic, in every locale
/// the same.
[[nodiscard]] std::string to_lower(std::string_view text);

}  // namespace switchyard::data
