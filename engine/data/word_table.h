#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data/vocabulary.h"

namespace switchyard::data {

/// Counts the distinct words of a text while it is read, and numbers them in order of appearance.
/// Threads: [inst].
class WordTable {
 public:
  /// The number of a word, from 0. A new word gets the next number.
  int32_t number_of(std::string_view word);
  /// Counts an occurrence in the train split, for the vocabulary.
  void count(int32_t number);

  /// The number of distinct words counted, without those that spell a special token.
  [[nodiscard]] int64_t num_counted() const;
  /// A vocabulary of </s> (with count `num_sentences`), <unk> (all other counted words) and the
  /// `vocab_size` - 2 most frequent words; ties go to the word counted first.
  [[nodiscard]] Vocabulary most_frequent(int64_t vocab_size, int64_t num_sentences) const;
  /// The id in a vocabulary of each number.
  [[nodiscard]] std::vector<int32_t> ids_in(const Vocabulary& vocabulary) const;

 private:
  struct Word {
    std::string_view text;  // the key in numbers_, which never moves
    int64_t count = 0;
    int64_t order = 0;  // when it was counted first
  };
  [[nodiscard]] std::vector<const Word*> counted() const;

  std::unordered_map<std::string, int32_t, StringHash, std::equal_to<>> numbers_;
  std::vector<Word> words_;
  int64_t next_order_ = 0;
};

}  // namespace switchyard::data
