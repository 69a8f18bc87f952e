#include "data/word_table.h"

#include <algorithm>
#include <utility>

namespace switchyard::data {

int32_t WordTable::number_of(std::string_view word) {
  const auto found = numbers_.find(word);
  if (found != numbers_.end()) {
    return found->second;
  }
  const auto number = static_cast<int32_t>(words_.size());
  const auto added = numbers_.emplace(std::string(word), number).first;
  words_.push_back({.text = added->first, .count = 0, .order = 0});
  return number;
}

void WordTable::count(int32_t number) {
  Word& word = words_[static_cast<size_t>(number)];
  if (word.count == 0) {
    word.order = next_order_++;
  }
  ++word.count;
}

std::vector<const WordTable::Word*> WordTable::counted() const {
  std::vector<const Word*> list;
  for (const Word& word : words_) {
    if (word.count > 0 && word.text != Vocabulary::kSentenceMarkWord &&
        word.text != Vocabulary::kUnknownWord) {
      list.push_back(&word);
    }
  }
  return list;
}

int64_t WordTable::num_counted() const {
  return static_cast<int64_t>(counted().size());
}

Vocabulary WordTable::most_frequent(int64_t vocab_size, int64_t num_sentences) const {
  std::vector<const Word*> list = counted();
  std::sort(list.begin(), list.end(), [](const Word* a, const Word* b) {
    return a->count != b->count ? a->count > b->count : a->order < b->order;
  });
  list.resize(std::min(list.size(), static_cast<size_t>(vocab_size) - 2));
  int64_t num_unknown = 0;
  for (const Word& word : words_) {
    num_unknown += word.count;
  }
  std::vector<Vocabulary::Entry> entries = {
      {std::string(Vocabulary::kSentenceMarkWord), num_sentences},
      {std::string(Vocabulary::kUnknownWord), 0}};
  entries.reserve(list.size() + 2);
  for (const Word* word : list) {
    entries.push_back({std::string(word->text), word->count});
    num_unknown -= word->count;
  }
  entries[Vocabulary::kUnknown].count = num_unknown;
  return Vocabulary(std::move(entries));
}

std::vector<int32_t> WordTable::ids_in(const Vocabulary& vocabulary) const {
  std::vector<int32_t> ids;
  ids.reserve(words_.size());
  for (const Word& word : words_) {
    ids.push_back(vocabulary.id_of(word.text));
  }
  return ids;
}

}  // namespace switchyard::data
