#include "data/sentence_reader.h"

#include <algorithm>

#include "core/error.h"
#include "data/utf8.h"

namespace switchyard::data {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_white(std::string_view line) {
  for (size_t at = 0; at < line.size();) {
    const Character c = character_at(line, at);
    if (!is_blank(c.code) && !is_zero_width(c.code)) {
      return false;
    }
    at += c.num_bytes;
  }
  return true;
}

}  // namespace

SentenceReader::SentenceReader(const std::filesystem::path& path, TextLayout layout)
    : layout_(layout), file_(path) {
  const std::string_view text = file_.text();
  core::require(!text.empty(), "{}: is empty; give a file with text in it", path.string());
  const size_t bad = find_invalid_utf8(text);
  if (bad < text.size()) {
    const std::string_view before = text.substr(0, bad);
    core::fail(core::ErrorCode::kInvalidArgument,
               "{}:{}: is not UTF-8: the byte at offset {} of the file starts no character; "
               "convert it with `iconv -t UTF-8`",
               path.string(), 1 + std::count(before.begin(), before.end(), '\n'), bad);
  }
  num_lines_ = std::count(text.begin(), text.end(), '\n') + (text.back() == '\n' ? 0 : 1);
}

void SentenceReader::read(core::FunctionRef<void(const TextSentence&)> sentence) const {
  const std::string_view text = file_.text();
  size_t at = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  size_t begin = at;  // of the open paragraph
  bool is_open = false;
  TextSentence open;
  for (int64_t line = 0; at < text.size(); ++line) {
    const size_t line_begin = at;
    const size_t line_end = std::min(text.find('\n', at), text.size());
    at = std::min(line_end + 1, text.size());
    const bool is_empty = is_white(text.substr(line_begin, line_end - line_begin));
    const bool is_sentence = !is_empty || layout_ == TextLayout::kEveryLine;
    if (is_sentence && !is_open) {
      is_open = true;
      begin = line_begin;
      open.line = line;
    }
    if (is_sentence) {
      open.text = text.substr(begin, line_end - begin);
    }
    const bool ends = layout_ != TextLayout::kRunning || is_empty || at == text.size();
    if (is_open && ends) {
      open.bytes_read = static_cast<int64_t>(at);
      sentence(open);
      is_open = false;
    }
  }
}

}  // namespace switchyard::data
