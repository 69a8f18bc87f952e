#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "core/cancel.h"
#include "data/manifest.h"
#include "data/tokenizer.h"

namespace switchyard::data {

/// How one text is cut into splits: block b of `lines` lines goes to valid if
/// b % period == valid_block, to test if b % period == test_block, else to train. Whole blocks,
/// because neighbouring lines are alike. A paragraph belongs to the block of its first line.
struct BlockSplit {
  int64_t lines = 200;
  int64_t period = 20;
  int64_t valid_block = 9;  // -1: no valid split
  int64_t test_block = 19;  // -1: no test split
};

/// The input of prepare(), how to read it, and where the data set goes.
struct PrepareOptions {
  /// Either a text that is cut into splits by blocks (several files count as one), ...
  std::vector<std::filesystem::path> text;
  BlockSplit blocks;
  /// ... or one text per split; valid and test may be empty.
  std::vector<std::filesystem::path> train;
  std::vector<std::filesystem::path> valid;
  std::vector<std::filesystem::path> test;

  TextLayout layout = TextLayout::kLines;
  /// Default: that of `vocabulary_from`, otherwise kWords with case.
  std::optional<TokenizerOptions> tokenizer;
  /// The number of most frequent words of the train split to keep, including </s> and <unk>; ties
  /// go to the word that occurs first. 0: all words, at most kDefaultVocabSize.
  int64_t vocab_size = 0;
  /// A data set whose vocabulary and tokenizer to use instead.
  std::filesystem::path vocabulary_from;

  std::filesystem::path output;
  bool overwrite = false;  // replace `output` if it is a data set; anything else is never replaced
};

inline constexpr int64_t kDefaultVocabSize = 30000;

/// The progress of prepare().
struct PrepareProgress {
  std::string_view phase;  // "read", "write"
  int64_t done = 0;        // bytes of text, or tokens
  int64_t total = 0;
};

/// Makes a data set from UTF-8 text: reads it once, keeps only the distinct words in memory, writes
/// to a directory beside `output` and renames that at the end, so that `output` is never
/// incomplete. Equal text and options give equal files.
///
/// `progress` is called on this thread, about once per MiB of text. Throws Error:
///   kInvalidArgument  conflicting options, empty file, not UTF-8, a split without a sentence,
///                     vocab_size above the number of words, tokenizer unlike the vocabulary's
///   kNotFound, kIo    a file that cannot be read or written, disk full
///   kState            `output` exists and may not be replaced
///   kCancelled        `cancel` was requested; nothing is left behind
Manifest prepare(const PrepareOptions& options,
                 const std::function<void(const PrepareProgress&)>& progress = {},
                 const core::CancelToken* cancel = nullptr);

}  // namespace switchyard::data
