#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace switchyard::data {

/// Where the sentences of a split come from: ranges of sentences with a name, such as an author.
/// Threads: [any], immutable.
class SentenceDomains {
 public:
  static constexpr int32_t kNone = -1;  // a sentence that no range covers

  /// Parses a domain file: one range per line, "FIRST TAB SENTENCES TAB NAME", where FIRST counts
  /// the split's sentences from 1. Lines may end with CR LF; empty lines and lines that start with
  /// '#' are skipped; several ranges may share a name. `where` names the file in messages. Throws
  /// Error(kInvalidArgument) with the line of a range that is malformed, exceeds num_sentences or
  /// covers a sentence twice.
  static SentenceDomains parse(std::string_view text, std::string_view where,
                               int64_t num_sentences);
  /// Parses a file. Also throws Error(kNotFound) or Error(kIo) if it cannot be read.
  static SentenceDomains read(const std::filesystem::path& file, int64_t num_sentences);

  /// The names, in the order of their first range.
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  /// The index of the name of every sentence, or kNone.   [num_sentences]
  [[nodiscard]] std::span<const int32_t> of_sentences() const { return of_sentences_; }
  /// The same, with the names redealt at random among those of the first `count` sentences that
  /// have one. Equal seeds give equal results.
  [[nodiscard]] std::vector<int32_t> shuffled(int64_t count, uint64_t seed) const;

 private:
  std::vector<std::string> names_;
  std::vector<int32_t> of_sentences_;
};

}  // namespace switchyard::data
