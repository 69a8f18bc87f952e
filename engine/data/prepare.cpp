#include "data/prepare.h"

#include <algorithm>
#include <array>
#include <checksum/hex.h>
#include <checksum/sha256.h>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "core/error.h"
#include "data/dataset.h"
#include "data/output_directory.h"
#include "data/sentence_reader.h"
#include "data/token_writer.h"
#include "data/vocabulary.h"
#include "data/word_table.h"

namespace switchyard::data {

namespace fs = std::filesystem;
using core::ErrorCode;

namespace {

constexpr std::array<std::string_view, 3> kSplitNames = {"train", "valid", "test"};
constexpr size_t kTrain = 0;
constexpr size_t kValid = 1;
constexpr size_t kTest = 2;

// A split being written. Its tokens are numbers of the word table until finish().
struct OpenSplit {
  OpenSplit(const fs::path& directory, std::string_view name)
      : tokens(directory / (std::string(name) + ".tokens")),
        index(directory / (std::string(name) + ".index")) {}

  TokenWriter<int32_t> tokens;
  TokenWriter<uint64_t> index;
  int64_t num_sentences = 0;
};

// Marks the closing </s> until the words have their ids.
constexpr int32_t kOpenMark = -1;

void check_inputs(const PrepareOptions& options) {
  const bool by_files = !options.train.empty() || !options.valid.empty() || !options.test.empty();
  core::require(!options.text.empty() || by_files, "prepare: a text file must be given");
  core::require(options.text.empty() || !by_files,
                "prepare: give either a text to cut into splits or one file per split, not both");
  core::require(!by_files || !options.train.empty(),
                "prepare: a train file must be given, there is only valid or test");
}

void check_options(const PrepareOptions& options) {
  check_inputs(options);
  const BlockSplit& blocks = options.blocks;
  core::require(blocks.lines >= 1 && blocks.period >= 1,
                "prepare: blocks need at least 1 line and a period of at least 1, got {} and {}",
                blocks.lines, blocks.period);
  for (const int64_t block : {blocks.valid_block, blocks.test_block}) {
    core::require(block >= -1 && block < blocks.period,
                  "prepare: valid and test block must be in [-1, {}), got {}", blocks.period,
                  block);
  }
  core::require(blocks.valid_block == -1 || blocks.valid_block != blocks.test_block,
                "prepare: valid and test must be different blocks, both are {}",
                blocks.valid_block);
  core::require(options.vocab_size == 0 || options.vocab_size >= 3,
                "prepare: vocab_size must be 0 or at least 3 (</s>, <unk> and a word), got {}",
                options.vocab_size);
  core::require(options.vocab_size == 0 || options.vocabulary_from.empty(),
                "prepare: give either vocab_size or a data set with a vocabulary, not both");
}

class Preparation {
 public:
  Preparation(const PrepareOptions& options,
              const std::function<void(const PrepareProgress&)>& progress,
              const core::CancelToken* cancel)
      : options_(options), progress_(progress), cancel_(cancel) {}

  Manifest run();

 private:
  void choose_tokenizer();
  void open_splits(const fs::path& directory);
  void read_all();
  void read_file(const fs::path& path, size_t split);
  void add(const TextSentence& sentence, size_t split);
  [[nodiscard]] size_t split_of_line(int64_t line) const;
  void check_splits() const;
  [[nodiscard]] Vocabulary make_vocabulary() const;
  void write_vocabulary(const fs::path& directory);
  void finish_splits();
  void report(std::string_view phase, int64_t done, int64_t total);

  const PrepareOptions& options_;
  const std::function<void(const PrepareProgress&)>& progress_;
  const core::CancelToken* cancel_;
  Manifest manifest_;
  Tokenizer tokenizer_;
  std::unique_ptr<Dataset> vocabulary_source_;
  WordTable words_;
  std::array<std::unique_ptr<OpenSplit>, 3> splits_;
  std::vector<int32_t> ids_;  // of the numbers in words_
  int64_t lines_before_ = 0;  // of the files before this one
  int64_t bytes_before_ = 0;
  int64_t bytes_total_ = 0;
  int64_t next_report_ = 0;
};

Manifest Preparation::run() {
  check_options(options_);
  choose_tokenizer();
  OutputDirectory output(options_.output, options_.overwrite);
  open_splits(output.staging());
  read_all();
  check_splits();
  write_vocabulary(output.staging());
  finish_splits();
  manifest_.data_hash = manifest_.compute_data_hash();
  OutputFile file(output.staging() / "manifest.json");
  const std::string json = manifest_.to_json();
  file.write_at(std::as_bytes(std::span(json)), 0);
  file.sync();
  output.commit();
  return std::move(manifest_);
}

void Preparation::choose_tokenizer() {
  manifest_.layout = options_.layout;
  manifest_.tokenizer = options_.tokenizer.value_or(TokenizerOptions{});
  if (!options_.vocabulary_from.empty()) {
    vocabulary_source_ = std::make_unique<Dataset>(options_.vocabulary_from);
    const TokenizerOptions theirs = vocabulary_source_->manifest().tokenizer;
    core::require(!options_.tokenizer || *options_.tokenizer == theirs,
                  "prepare: the vocabulary of {} was made with the tokenizer \"{}\"{}; leave the "
                  "tokenizer out or give the same",
                  options_.vocabulary_from.string(), name_of(theirs.kind),
                  theirs.lower_case ? " in lower case" : " with case");
    manifest_.tokenizer = theirs;
  }
  tokenizer_ = Tokenizer(manifest_.tokenizer);
}

void Preparation::open_splits(const fs::path& directory) {
  const bool by_blocks = !options_.text.empty();
  const std::array<bool, 3> wanted = {
      true, by_blocks ? options_.blocks.valid_block >= 0 : !options_.valid.empty(),
      by_blocks ? options_.blocks.test_block >= 0 : !options_.test.empty()};
  for (size_t s = 0; s < wanted.size(); ++s) {
    if (wanted[s]) {
      splits_[s] = std::make_unique<OpenSplit>(directory, kSplitNames[s]);
    }
  }
}

void Preparation::read_all() {
  const std::array<const std::vector<fs::path>*, 4> lists = {&options_.text, &options_.train,
                                                             &options_.valid, &options_.test};
  for (const auto* list : lists) {
    for (const fs::path& path : *list) {
      std::error_code missing;  // SentenceReader says what is wrong
      const auto size = fs::file_size(path, missing);
      bytes_total_ += missing ? 0 : static_cast<int64_t>(size);
    }
  }
  for (const fs::path& path : options_.text) {
    read_file(path, kSplitNames.size());
  }
  for (size_t s = 0; s < kSplitNames.size(); ++s) {
    for (const fs::path& path : *lists[s + 1]) {
      read_file(path, s);
    }
  }
}

// split = kSplitNames.size(): by blocks of lines.
void Preparation::read_file(const fs::path& path, size_t split) {
  const SentenceReader reader(path, options_.layout);
  manifest_.sources.push_back(path.filename().string());
  reader.read([&](const TextSentence& sentence) {
    add(sentence, split < kSplitNames.size() ? split : split_of_line(sentence.line));
    if (bytes_before_ + sentence.bytes_read >= next_report_) {
      report("read", bytes_before_ + sentence.bytes_read, bytes_total_);
      next_report_ = bytes_before_ + sentence.bytes_read + (1 << 20);
    }
  });
  lines_before_ += reader.num_lines();
  bytes_before_ += reader.num_bytes();
  report("read", bytes_before_, bytes_total_);
}

void Preparation::add(const TextSentence& sentence, size_t split) {
  OpenSplit& open = *splits_[split];
  open.index.append(static_cast<uint64_t>(open.tokens.count()));
  tokenizer_.cut(sentence.text, [&](std::string_view word) {
    const int32_t number = words_.number_of(word);
    if (split == kTrain) {
      words_.count(number);
    }
    open.tokens.append(number);
  });
  open.tokens.append(kOpenMark);
  ++open.num_sentences;
}

size_t Preparation::split_of_line(int64_t line) const {
  const BlockSplit& blocks = options_.blocks;
  const int64_t block = (lines_before_ + line) / blocks.lines % blocks.period;
  return block == blocks.valid_block ? kValid : block == blocks.test_block ? kTest : kTrain;
}

void Preparation::check_splits() const {
  for (size_t s = 0; s < splits_.size(); ++s) {
    if (splits_[s] && splits_[s]->num_sentences == 0) {
      core::fail(
          ErrorCode::kInvalidArgument, "prepare: the split \"{}\" would have no sentence: {}",
          kSplitNames[s],
          options_.text.empty()
              ? "its files hold only white space"
              : fmt::format("the text has {} lines, which is {} blocks of {}; make the blocks "
                            "smaller or give a file per split",
                            lines_before_,
                            (lines_before_ + options_.blocks.lines - 1) / options_.blocks.lines,
                            options_.blocks.lines));
    }
  }
}

Vocabulary Preparation::make_vocabulary() const {
  const int64_t most = words_.num_counted() + 2;
  core::require(options_.vocab_size <= most,
                "prepare: vocab_size is {}, but the train split has only {} different words; give "
                "at most {} (</s> and <unk> count) or 0 for all",
                options_.vocab_size, most - 2, most);
  core::require(most >= 3,
                "prepare: the train split must hold a word other than the special tokens");
  const int64_t size =
      options_.vocab_size > 0 ? options_.vocab_size : std::min(most, kDefaultVocabSize);
  return words_.most_frequent(size, splits_[kTrain]->num_sentences);
}

void Preparation::write_vocabulary(const fs::path& directory) {
  const Vocabulary vocabulary =
      vocabulary_source_ ? vocabulary_source_->vocabulary() : make_vocabulary();
  const std::string text = vocabulary.to_text();
  OutputFile file(directory / "vocab.txt");
  file.write_at(std::as_bytes(std::span(text)), 0);
  file.sync();
  checksum::Sha256 sha256;
  sha256.update(text);
  manifest_.vocabulary_sha256 = checksum::hex(sha256.finish());
  manifest_.vocab_size = vocabulary.size();
  ids_ = words_.ids_in(vocabulary);
}

void Preparation::finish_splits() {
  int64_t done = 0;
  int64_t total = 0;
  for (const auto& split : splits_) {
    total += split ? split->tokens.count() : 0;
  }
  for (size_t s = 0; s < splits_.size(); ++s) {
    if (!splits_[s]) {
      continue;
    }
    OpenSplit& open = *splits_[s];
    SplitInfo info;
    info.name = kSplitNames[s];
    info.num_sentences = open.num_sentences;
    info.num_tokens = open.tokens.count();
    open.index.append(static_cast<uint64_t>(info.num_tokens));
    info.index_sha256 = open.index.finish([](std::span<uint64_t>) {});
    info.tokens_sha256 = open.tokens.finish([&](std::span<int32_t> tokens) {
      for (int32_t& token : tokens) {
        token = token == kOpenMark ? Vocabulary::kSentenceMark : ids_[static_cast<size_t>(token)];
        info.num_unknown += token == Vocabulary::kUnknown ? 1 : 0;
      }
      done += static_cast<int64_t>(tokens.size());
      report("write", done, total);
    });
    manifest_.splits.push_back(std::move(info));
    splits_[s].reset();
  }
}

void Preparation::report(std::string_view phase, int64_t done, int64_t total) {
  if (cancel_ != nullptr && cancel_->requested()) {
    core::fail(ErrorCode::kCancelled, "prepare: cancelled, nothing was written");
  }
  if (progress_) {
    progress_({.phase = phase, .done = done, .total = total});
  }
}

}  // namespace

Manifest prepare(const PrepareOptions& options,
                 const std::function<void(const PrepareProgress&)>& progress,
                 const core::CancelToken* cancel) {
  return Preparation(options, progress, cancel).run();
}

}  // namespace switchyard::data
