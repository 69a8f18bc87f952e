#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data/vocabulary.h"

namespace switchyard::data {

/// Counts the different words of a text while it is read, and numbers them in the order in which
/// they come. Threads: [inst].
class WordTable {
 public:
  /// The number of a word: from 0, new words get the next one.
  int32_t number_of(std::string_view word);
  /// Counts a word for the vocabulary: one of the train split.
  void count(int32_t number);

  /// Different words that were counted, those that spell a special token left out.
  [[nodiscard]] int64_t num_counted() const;
  /// The `vocab_size` - 2 most frequent counted words, of equally frequent ones the one counted
  /// first, behind </s> (with count `num_sentences`) and <unk> (all other counted words).
  [[nodiscard]] Vocabulary most_frequent(int64_t vocab_size, int64_t num_sentences) const;
  /// For each number the id in a vocabulary.
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
