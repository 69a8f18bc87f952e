#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "data/tokenizer.h"

namespace switchyard::data {

/// How the lines of a text form sentences.
enum class TextLayout {
  kLines,      // one sentence per line, without empty lines
  kEveryLine,  // one sentence per line; an empty line is </s> alone, as WikiText is counted
  kRunning,    // a paragraph is a sentence: line breaks are blanks, an empty line ends it
};

/// The name of a layout: "lines", "every-line", "running".
[[nodiscard]] std::string_view name_of(TextLayout layout);
/// The layout of a name. Throws Error(kInvalidArgument) for any other name.
[[nodiscard]] TextLayout text_layout_of(std::string_view name);

/// The numbers of one split.
struct SplitInfo {
  std::string name;  // "train", "valid", "test"
  int64_t num_sentences = 0;
  int64_t num_tokens = 0;     // words and one </s> per sentence
  int64_t num_unknown = 0;    // of these, <unk>
  std::string tokens_sha256;  // of the elements of NAME.tokens
  std::string index_sha256;   // of the elements of NAME.index

  /// The share of <unk> among the words, without </s>.
  [[nodiscard]] double oov_rate() const;
};

/// The contents of manifest.json.
struct Manifest {
  static constexpr int64_t kFormatVersion = 1;

  TextLayout layout = TextLayout::kLines;
  TokenizerOptions tokenizer;
  std::vector<std::string> sources;  // names of the input files, for people
  int64_t vocab_size = 0;            // special tokens included
  std::string vocabulary_sha256;     // of vocab.txt
  std::vector<SplitInfo> splits;     // train first
  std::string data_hash;             // SHA-256 of everything that determines what a model reads

  /// Computes data_hash from tokenizer, layout, vocabulary and the splits' tokens, but not from
  /// file names. The same text, prepared with the same options, has the same hash.
  [[nodiscard]] std::string compute_data_hash() const;
  /// The text of manifest.json.
  [[nodiscard]] std::string to_json() const;
  /// Parses manifest.json. Throws Error(kDamaged) if the text is not a manifest or was changed,
  /// Error(kUnsupported) for another format version. `where` names the file in messages.
  static Manifest parse(std::string_view json, std::string_view where);
};

/// True if the directory has the manifest.json of a data set, whole or damaged.
[[nodiscard]] bool is_dataset_directory(const std::filesystem::path& directory);

}  // namespace switchyard::data
