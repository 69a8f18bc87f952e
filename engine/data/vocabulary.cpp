#include "data/vocabulary.h"

#include <charconv>
#include <utility>

#include "core/error.h"

namespace switchyard::data {

Vocabulary::Vocabulary(std::vector<Entry> entries) : entries_(std::move(entries)) {
  core::require(entries_.size() >= 2 && entries_[kSentenceMark].word == kSentenceMarkWord &&
                    entries_[kUnknown].word == kUnknownWord,
                "vocabulary: word 0 must be </s> and word 1 <unk>");
  ids_.reserve(entries_.size());
  for (size_t i = 0; i < entries_.size(); ++i) {
    // Special tokens never come from text: text that spells one is an unknown word.
    const int32_t id = i == kSentenceMark ? kUnknown : static_cast<int32_t>(i);
    const bool is_new = ids_.emplace(entries_[i].word, id).second;
    core::require(is_new, "vocabulary: each word must be there once, but \"{}\" is there twice",
                  entries_[i].word);
  }
}

Vocabulary Vocabulary::parse(std::string_view text, std::string_view where) {
  std::vector<Entry> entries;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const size_t tab = line.find('\t');
    int64_t count = -1;
    if (end != std::string_view::npos && tab != std::string_view::npos && tab > 0) {
      const char* last = line.data() + line.size();
      const auto [stop, error] = std::from_chars(line.data() + tab + 1, last, count);
      count = error == std::errc() && stop == last ? count : -1;
    }
    if (count < 0) {
      core::fail(core::ErrorCode::kDamaged,
                 "{}:{}: must be a word, a tab and a count; prepare the data again", where,
                 entries.size() + 1);
    }
    entries.push_back({std::string(line.substr(0, tab)), count});
    text.remove_prefix(end + 1);
  }
  try {
    return Vocabulary(std::move(entries));
  } catch (const core::Error& error) {
    core::fail(core::ErrorCode::kDamaged, "{}: {}; prepare the data again", where, error.what());
  }
}

std::string Vocabulary::to_text() const {
  std::string text;
  for (const Entry& entry : entries_) {
    text += fmt::format("{}\t{}\n", entry.word, entry.count);
  }
  return text;
}

int32_t Vocabulary::id_of(std::string_view word) const {
  const auto found = ids_.find(word);
  return found == ids_.end() ? kUnknown : found->second;
}

const Vocabulary::Entry& Vocabulary::at(int32_t id) const {
  core::require(id >= 0 && id < size(), "vocabulary: an id must be in [0, {}), got {}", size(), id);
  return entries_[static_cast<size_t>(id)];
}

}  // namespace switchyard::data
