#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "data/tokenizer.h"

namespace switchyard::data {

/// How a text's lines make sentences.
enum class TextLayout {
  kLines,      // one sentence a line, empty lines are left out
  kEveryLine,  // one sentence a line, of an empty line only </s>: as WikiText is counted
  kRunning,    // a paragraph is a sentence: a line break is a blank, an empty line ends it
};

/// "lines", "every-line", "running".
[[nodiscard]] std::string_view name_of(TextLayout layout);
/// Throws Error(kInvalidArgument) for any other name.
[[nodiscard]] TextLayout text_layout_of(std::string_view name);

/// One split in numbers.
struct SplitInfo {
  std::string name;  // "train", "valid", "test"
  int64_t num_sentences = 0;
  int64_t num_tokens = 0;     // words and one </s> per sentence
  int64_t num_unknown = 0;    // of them <unk>
  std::string tokens_sha256;  // of the elements of NAME.tokens
  std::string index_sha256;   // of the elements of NAME.index

  /// Share of <unk> among the words, </s> not counted.
  [[nodiscard]] double oov_rate() const;
};

/// What manifest.json says about a data set.
struct Manifest {
  static constexpr int64_t kFormatVersion = 1;

  TextLayout layout = TextLayout::kLines;
  TokenizerOptions tokenizer;
  std::vector<std::string> sources;  // names of the input files, for people
  int64_t vocab_size = 0;            // special tokens included
  std::string vocabulary_sha256;     // of vocab.txt
  std::vector<SplitInfo> splits;     // train first
  std::string data_hash;             // SHA-256 of all that decides what a model reads

  /// The hash that data_hash must be: over tokenizer, layout, vocabulary and the splits' tokens,
  /// but not over names of files. Equal text prepared equally has an equal hash.
  [[nodiscard]] std::string compute_data_hash() const;
  /// The text of manifest.json.
  [[nodiscard]] std::string to_json() const;
  /// Throws Error(kDamaged) if the text is no manifest or was changed, Error(kUnsupported) for
  /// another format version. `where` names it in messages.
  static Manifest parse(std::string_view json, std::string_view where);
};

/// Whether the directory has a manifest.json of ours, whole or damaged.
[[nodiscard]] bool is_dataset_directory(const std::filesystem::path& directory);

}  // namespace switchyard::data
