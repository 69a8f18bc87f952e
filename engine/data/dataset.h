#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/manifest.h"
#include "data/token_file.h"
#include "data/tokenizer.h"
#include "data/vocabulary.h"

namespace switchyard::data {

/// One split of a data set, memory-mapped. Threads: [any], immutable.
class Split {
 public:
  /// Throws Error(kDamaged) if the files and `info` do not fit together.
  Split(const std::filesystem::path& directory, SplitInfo info, int64_t vocab_size);

  [[nodiscard]] const SplitInfo& info() const { return info_; }
  [[nodiscard]] int64_t num_sentences() const { return info_.num_sentences; }
  [[nodiscard]] int64_t num_tokens() const { return info_.num_tokens; }
  [[nodiscard]] int64_t vocab_size() const { return vocab_size_; }
  /// All sentences one after the other, each with its closing </s>.   [num_tokens]
  [[nodiscard]] std::span<const int32_t> tokens() const { return tokens_.elements<int32_t>(); }
  /// Where sentence i starts; the last entry is num_tokens.           [num_sentences + 1]
  [[nodiscard]] std::span<const uint64_t> sentence_starts() const {
    return index_.elements<uint64_t>();
  }
  /// Words and closing </s> of sentence i. Throws Error(kDamaged) if the index is.
  [[nodiscard]] std::span<const int32_t> sentence(int64_t i) const;

  /// Reads everything. Throws Error(kDamaged).
  void verify() const;
  /// Throws Error(kDamaged) for a token that is no word of the vocabulary.
  [[noreturn]] void fail_on_token(int32_t token) const;

 private:
  SplitInfo info_;
  int64_t vocab_size_;
  TokenFile tokens_;
  TokenFile index_;
};

/// A directory that prepare() wrote: manifest.json, vocab.txt and per split NAME.tokens and
/// NAME.index. Threads: [any], immutable.
class Dataset {
 public:
  /// Opens and checks headers, sizes and the vocabulary; verify() checks the rest.
  /// Throws Error(kNotFound) if there is no data set, Error(kDamaged) if it is damaged.
  explicit Dataset(const std::filesystem::path& directory);

  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
  [[nodiscard]] const Manifest& manifest() const { return manifest_; }
  /// Names this data in checkpoints: equal hash, equal tokens.
  [[nodiscard]] const std::string& data_hash() const { return manifest_.data_hash; }
  [[nodiscard]] const Vocabulary& vocabulary() const { return vocabulary_; }
  [[nodiscard]] Tokenizer tokenizer() const { return Tokenizer(manifest_.tokenizer); }

  [[nodiscard]] bool has_split(std::string_view name) const;
  /// Lives as long as the data set. Throws Error(kNotFound) with the splits that are there.
  [[nodiscard]] const Split& split(std::string_view name) const;

  /// Word ids of a prompt, cut by the data set's tokenizer; no </s>.
  [[nodiscard]] std::vector<int32_t> encode(std::string_view text) const;
  /// The words as readable text; a </s> becomes a line end.
  [[nodiscard]] std::string decode(std::span<const int32_t> ids) const;

  /// Reads every byte and checks it. Throws Error(kDamaged) with the file.
  void verify() const;

 private:
  std::filesystem::path directory_;
  Manifest manifest_;
  Vocabulary vocabulary_;
  std::vector<Split> splits_;
};

}  // namespace switchyard::data
