#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace switchyard::data {

/// Lets a hash table of strings be searched with a view.
struct StringHash {
  using is_transparent = void;
  [[nodiscard]] size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};

/// The words that a model knows: two special tokens, then words by falling frequency. Threads:
/// [any], immutable.
class Vocabulary {
 public:
  static constexpr int32_t kSentenceMark = 0;  // "</s>", opens and closes every sentence
  static constexpr int32_t kUnknown = 1;       // "<unk>"
  static constexpr std::string_view kSentenceMarkWord = "</s>";
  static constexpr std::string_view kUnknownWord = "<unk>";

  /// A word and its frequency.
  struct Entry {
    std::string word;
    int64_t count = 0;  // in the train split that the vocabulary was made from
  };

  /// Entry i is word i. Throws Error(kInvalidArgument) unless the special tokens come first and all
  /// words differ.
  explicit Vocabulary(std::vector<Entry> entries);

  /// Parses vocab.txt: one "word TAB count" per line. `where` names the file in messages. Throws
  /// Error(kDamaged) with the wrong line.
  static Vocabulary parse(std::string_view text, std::string_view where);
  /// The text that parse() reads.
  [[nodiscard]] std::string to_text() const;

  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(entries_.size()); }
  /// Throws Error(kInvalidArgument) unless 0 <= id < size().
  [[nodiscard]] const std::string& word(int32_t id) const { return at(id).word; }
  [[nodiscard]] int64_t count(int32_t id) const { return at(id).count; }
  /// The id of a word in a text; kUnknown if it is unknown or spells a special token.
  [[nodiscard]] int32_t id_of(std::string_view word) const;

 private:
  [[nodiscard]] const Entry& at(int32_t id) const;

  std::vector<Entry> entries_;
  std::unordered_map<std::string, int32_t, StringHash, std::equal_to<>> ids_;
};

}  // namespace switchyard::data
