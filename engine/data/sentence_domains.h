#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace switchyard::data {

/// Where the sentences of a split come from: a name, such as an author's, for ranges of them.
/// Threads: [any], immutable.
class SentenceDomains {
 public:
  static constexpr int32_t kNone = -1;  // a sentence that no range covers

  /// Reads a domain file: one range a line, "FIRST TAB SENTENCES TAB NAME", where FIRST counts the
  /// split's sentences from 1. Lines may end with CR LF; empty lines and those that start with '#'
  /// hold none; a name may stand in several ranges. `where` names the file in messages.
  /// Throws Error(kInvalidArgument) with the line for a range that cannot be read, reaches beyond
  /// num_sentences or covers a sentence twice.
  static SentenceDomains parse(std::string_view text, std::string_view where,
                               int64_t num_sentences);
  /// parse() of a file. Throws Error(kNotFound) or Error(kIo) too if it cannot be read.
  static SentenceDomains read(const std::filesystem::path& file, int64_t num_sentences);

  /// In the order of their first range.
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  /// Index of its name for every sentence, or kNone.   [num_sentences]
  [[nodiscard]] std::span<const int32_t> of_sentences() const { return of_sentences_; }
  /// The same with the names dealt anew among the first `count` sentences, but for those without
  /// one: what chance would give. Equal seeds deal equally.
  [[nodiscard]] std::vector<int32_t> shuffled(int64_t count, uint64_t seed) const;

 private:
  std::vector<std::string> names_;
  std::vector<int32_t> of_sentences_;
};

}  // namespace switchyard::data
