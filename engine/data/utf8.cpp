#include "data/utf8.h"

#include <cstring>

namespace switchyard::data {

namespace {

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

// The length of the character at text[at] in bytes; 0 if it is invalid.
size_t valid_length(std::string_view text, size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const size_t length = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (length == 0 || lead > 0xF4 || text.size() - at < length) {
    return 0;
  }
  for (size_t i = 1; i < length; ++i) {
    if (!is_continuation(text[at + i])) {
      return 0;
    }
  }
  const uint32_t code = character_at(text, at).code;
  const bool is_overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool is_surrogate = code >= 0xD800 && code <= 0xDFFF;
  return is_overlong || is_surrogate || code > 0x10FFFF ? 0 : length;
}

void append(std::string& text, uint32_t code) {
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else {  // to_lower() changes no character of more than two bytes
    text += static_cast<char>(0xC0U | (code >> 6U));
    text += static_cast<char>(0x80U | (code & 0x3FU));
  }
}

uint32_t lower(uint32_t code) {
  if ((code >= 'A' && code <= 'Z') || (code >= 0xC0 && code <= 0xDE && code != 0xD7) ||
      (code >= 0x391 && code <= 0x3A9 && code != 0x3A2) || (code >= 0x410 && code <= 0x42F)) {
    return code + 32;
  }
  if (code >= 0x400 && code <= 0x40F) {
    return code + 80;
  }
  // Extended-A holds pairs: upper case is even and lower case odd, except in two stretches.
  const bool even_upper =
      (code >= 0x100 && code <= 0x137 && code != 0x130) || (code >= 0x14A && code <= 0x177);
  const bool odd_upper = (code >= 0x139 && code <= 0x148) || (code >= 0x179 && code <= 0x17E);
  if ((even_upper && code % 2 == 0) || (odd_upper && code % 2 == 1)) {
    return code + 1;
  }
  return code == 0x178 ? 0xFF : code;
}

}  // namespace

Character character_at(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) {
    return static_cast<uint32_t>(static_cast<unsigned char>(text[at + i]));
  };
  const uint32_t lead = byte(0);
  if (lead < 0x80) {
    return {lead, 1};
  }
  if (lead < 0xE0) {
    return {(lead & 0x1FU) << 6U | (byte(1) & 0x3FU), 2};
  }
  if (lead < 0xF0) {
    return {(lead & 0x0FU) << 12U | (byte(1) & 0x3FU) << 6U | (byte(2) & 0x3FU), 3};
  }
  return {(lead & 0x07U) << 18U | (byte(1) & 0x3FU) << 12U | (byte(2) & 0x3FU) << 6U |
              (byte(3) & 0x3FU),
          4};
}

size_t find_invalid_utf8(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    uint64_t eight = 0;
    if (text.size() - at >= sizeof(eight)) {
      std::memcpy(&eight, text.data() + at, sizeof(eight));
      if ((eight & 0x8080808080808080ULL) == 0) {
        at += sizeof(eight);
        continue;
      }
    }
    const size_t length = valid_length(text, at);
    if (length == 0) {
      return at;
    }
    at += length;
  }
  return at;
}

bool is_blank(uint32_t code) {
  if (code < 0x80) {
    return code == ' ' || (code >= '\t' && code <= '\r');
  }
  return code == 0x85 || code == 0xA0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200A) ||
         code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
}

bool is_zero_width(uint32_t code) {
  return code == 0x200B || code == 0xFEFF;
}

bool is_digit(uint32_t code) {
  return code >= '0' && code <= '9';
}

bool is_word_character(uint32_t code) {
  if (code < 0x80) {
    return is_digit(code) || (code >= 'A' && code <= 'Z') || (code >= 'a' && code <= 'z');
  }
  if (code < 0xC0) {  // of Latin-1 only ª ² ³ µ ¹ º ¼ ½ ¾ belong to words
    return code == 0xAA || code == 0xB2 || code == 0xB3 || code == 0xB5 || code == 0xB9 ||
           code == 0xBA || (code >= 0xBC && code <= 0xBE);
  }
  const bool is_mark = code == 0xD7 || code == 0xF7 || (code >= 0x2010 && code <= 0x205E) ||
                       (code >= 0x20A0 && code <= 0x20CF) || (code >= 0x2190 && code <= 0x2BFF) ||
                       (code >= 0x3001 && code <= 0x303F) || (code >= 0xFF01 && code <= 0xFF0F);
  return !is_mark && !is_blank(code) && !is_zero_width(code);
}

std::string to_lower(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const Character c = character_at(text, at);
    const uint32_t small = lower(c.code);
    if (small == c.code) {
      out.append(text.substr(at, c.num_bytes));
    } else {
      append(out, small);
    }
    at += c.num_bytes;
  }
  return out;
}

}  // namespace switchyard::data
