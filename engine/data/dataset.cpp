#include "data/dataset.h"

#include <algorithm>
#include <checksum/hex.h>
#include <checksum/sha256.h>
#include <utility>

#include "core/error.h"
#include "data/detokenizer.h"
#include "data/mapped_file.h"

namespace switchyard::data {

using core::ErrorCode;

namespace {

Manifest read_manifest(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / "manifest.json";
  std::error_code error;
  if (!std::filesystem::is_directory(directory, error) || !std::filesystem::exists(path, error)) {
    core::fail(
        ErrorCode::kNotFound,
        "{}: is not a data set: there is no {}; make one with `switchyard prepare TEXT --out DIR`",
        directory.string(), path.string());
  }
  return Manifest::parse(MappedFile(path).text(), path.string());
}

Vocabulary read_vocabulary(const std::filesystem::path& directory, const Manifest& manifest) {
  const std::filesystem::path path = directory / "vocab.txt";
  const MappedFile file(path);
  checksum::Sha256 sha256;
  sha256.update(file.text());
  if (checksum::hex(sha256.finish()) != manifest.vocabulary_sha256) {
    core::fail(ErrorCode::kDamaged,
               "{}: is damaged or of another data set: its checksum is not the manifest's; prepare "
               "the data again",
               path.string());
  }
  Vocabulary vocabulary = Vocabulary::parse(file.text(), path.string());
  if (vocabulary.size() != manifest.vocab_size) {
    core::fail(ErrorCode::kDamaged, "{}: must have {} words, has {}", path.string(),
               manifest.vocab_size, vocabulary.size());
  }
  return vocabulary;
}

}  // namespace

Split::Split(const std::filesystem::path& directory, SplitInfo info, int64_t vocab_size)
    : info_(std::move(info)),
      vocab_size_(vocab_size),
      tokens_(directory / (info_.name + ".tokens"), sizeof(int32_t)),
      index_(directory / (info_.name + ".index"), sizeof(uint64_t)) {
  const bool same = tokens_.sha256() == info_.tokens_sha256 &&
                    index_.sha256() == info_.index_sha256 && tokens_.count() == info_.num_tokens &&
                    index_.count() == info_.num_sentences + 1;
  if (!same || info_.num_sentences < 1 || sentence_starts().front() != 0 ||
      sentence_starts().back() != static_cast<uint64_t>(info_.num_tokens)) {
    core::fail(ErrorCode::kDamaged,
               "{}: it or its index is damaged or of another data set: header and manifest differ; "
               "prepare the data again",
               tokens_.path().string());
  }
}

std::span<const int32_t> Split::sentence(int64_t i) const {
  const std::span<const uint64_t> starts = sentence_starts();
  const uint64_t begin = starts[static_cast<size_t>(i)];
  const uint64_t end = starts[static_cast<size_t>(i) + 1];
  if (begin >= end || end > static_cast<uint64_t>(info_.num_tokens)) {
    core::fail(ErrorCode::kDamaged,
               "{}: is damaged: sentence {} reaches from {} to {}; prepare the data again",
               index_.path().string(), i, begin, end);
  }
  return tokens().subspan(begin, end - begin);
}

void Split::fail_on_token(int32_t token) const {
  core::fail(ErrorCode::kDamaged,
             "{}: is damaged: it holds the word id {}, the vocabulary has {} words; prepare the "
             "data again",
             tokens_.path().string(), token, vocab_size_);
}

void Split::verify() const {
  tokens_.verify();
  index_.verify();
  for (int64_t i = 0; i < num_sentences(); ++i) {
    if (sentence(i).back() != Vocabulary::kSentenceMark) {
      core::fail(ErrorCode::kDamaged,
                 "{}: is damaged: sentence {} does not end with </s>; prepare the data again",
                 tokens_.path().string(), i);
    }
  }
  int64_t num_unknown = 0;
  for (const int32_t token : tokens()) {
    if (token < 0 || token >= vocab_size_) {
      fail_on_token(token);
    }
    num_unknown += token == Vocabulary::kUnknown ? 1 : 0;
  }
  if (num_unknown != info_.num_unknown) {
    core::fail(ErrorCode::kDamaged,
               "{}: must hold {} unknown words, holds {}; prepare the data again",
               tokens_.path().string(), info_.num_unknown, num_unknown);
  }
}

Dataset::Dataset(const std::filesystem::path& directory)
    : directory_(directory),
      manifest_(read_manifest(directory)),
      vocabulary_(read_vocabulary(directory, manifest_)) {
  for (const SplitInfo& info : manifest_.splits) {
    splits_.emplace_back(directory, info, manifest_.vocab_size);
  }
}

bool Dataset::has_split(std::string_view name) const {
  return std::any_of(splits_.begin(), splits_.end(),
                     [&](const Split& split) { return split.info().name == name; });
}

const Split& Dataset::split(std::string_view name) const {
  std::string present;
  for (const Split& split : splits_) {
    if (split.info().name == name) {
      return split;
    }
    present += " " + split.info().name;
  }
  core::fail(ErrorCode::kNotFound, "{}: has no split \"{}\"; it has:{}", directory_.string(), name,
             present);
}

std::vector<int32_t> Dataset::encode(std::string_view text) const {
  std::vector<int32_t> ids;
  for (const std::string& word : tokenizer().words_of(text)) {
    ids.push_back(vocabulary_.id_of(word));
  }
  return ids;
}

std::string Dataset::decode(std::span<const int32_t> ids) const {
  Detokenizer detokenizer(manifest_.tokenizer.kind);
  std::string text;
  for (const int32_t id : ids) {
    if (id == Vocabulary::kSentenceMark) {
      text += '\n';
      detokenizer.restart();
    } else {
      text += detokenizer.append(vocabulary_.word(id));
    }
  }
  return text;
}

void Dataset::verify() const {
  for (const Split& split : splits_) {
    split.verify();
  }
}

}  // namespace switchyard::data
