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
  /// Throws Error(kDamaged) if the files do not match `info`.
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
  /// The words and the closing </s> of sentence i. Throws Error(kDamaged) if the index is damaged.
  [[nodiscard]] std::span<const int32_t> sentence(int64_t i) const;

  /// Reads and checks every byte. Throws Error(kDamaged).
  void verify() const;
  /// Throws Error(kDamaged) for a token outside the vocabulary.
  [[noreturn]] void fail_on_token(int32_t token) const;

 private:
  SplitInfo info_;
  int64_t vocab_size_;
  TokenFile tokens_;
  TokenFile index_;
};

/// A directory written by prepare(): manifest.json, vocab.txt, and NAME.tokens and NAME.index for
/// each split. Threads: [any], immutable.
class Dataset {
 public:
  /// Opens and checks headers, sizes and the vocabulary; verify() checks the rest.
  /// Throws Error(kNotFound) if there is no data set, Error(kDamaged) if it is damaged.
  explicit Dataset(const std::filesystem::path& directory);

  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
  [[nodiscard]] const Manifest& manifest() const { return manifest_; }
  /// Identifies the data in checkpoints: equal hashes mean equal tokens.
  [[nodiscard]] const std::string& data_hash() const { return manifest_.data_hash; }
  [[nodiscard]] const Vocabulary& vocabulary() const { return vocabulary_; }
  [[nodiscard]] Tokenizer tokenizer() const { return Tokenizer(manifest_.tokenizer); }

  [[nodiscard]] bool has_split(std::string_view name) const;
  /// Valid as long as the data set. Throws Error(kNotFound) that names the existing splits.
  [[nodiscard]] const Split& split(std::string_view name) const;

  /// The word ids of a prompt, cut by the data set's tokenizer, without </s>.
  [[nodiscard]] std::vector<int32_t> encode(std::string_view text) const;
  /// Readable text of the words; </s> becomes a line end.
  [[nodiscard]] std::string decode(std::span<const int32_t> ids) const;

  /// Reads and checks every byte. Throws Error(kDamaged) that names the file.
  void verify() const;

 private:
  std::filesystem::path directory_;
  Manifest manifest_;
  Vocabulary vocabulary_;
  std::vector<Split> splits_;
};

}  // namespace switchyard::data
