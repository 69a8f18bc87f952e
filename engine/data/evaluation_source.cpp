#include "data/evaluation_source.h"

#include <algorithm>
#include <numeric>

#include "core/error.h"
#include "data/vocabulary.h"

namespace switchyard::data {

EvaluationSource::EvaluationSource(const Split& split, const EvaluationSourceConfig& config)
    : split_(split), config_(config) {
  config.shape.check("EvaluationSource");
  core::require(config.max_words >= 0, "EvaluationSource: max_words must be 0 or more, got {}",
                config.max_words);
  const int64_t num_streams = config.shape.num_streams();
  streams_.resize(static_cast<size_t>(num_streams));
  const int64_t num_words =
      config.max_words > 0 ? std::min(split.num_tokens(), config.max_words) : split.num_tokens();
  if (config.reset_state) {
    const std::span<const uint64_t> starts = split.sentence_starts();
    num_sentences_ =
        std::lower_bound(starts.begin(), starts.end() - 1, static_cast<uint64_t>(num_words)) -
        starts.begin();
    return;
  }
  const int64_t each = num_words / num_streams;
  const int64_t rest = num_words % num_streams;  // the first streams get one more
  for (int64_t s = 0; s < num_streams; ++s) {
    const int64_t begin = s * each + std::min(s, rest);
    streams_[static_cast<size_t>(s)] = {.at = begin, .end = begin + each + (s < rest ? 1 : 0)};
  }
}

bool EvaluationSource::has_text() const {
  return next_sentence_ < num_sentences_ ||
         std::any_of(
             streams_.begin(), streams_.end(),
             [](const Stretch& stream) { return stream.at < stream.end; });
}

bool EvaluationSource::next(Batch& batch) {
  if (!has_text()) {
    return false;
  }
  BatchRows rows(batch, config_.shape, split_);
  positions_.assign(static_cast<size_t>(config_.shape.batch_size * config_.shape.sequence_length),
                    -1);
  for (size_t stream = 0; stream < streams_.size(); ++stream) {
    fill(rows, stream);
  }
  return true;
}

void EvaluationSource::fill(BatchRows& rows, size_t stream) {
  const auto row = static_cast<int64_t>(stream);
  const std::span<const int32_t> tokens = split_.tokens();
  Stretch& stretch = streams_[stream];
  int64_t t = 0;
  while (t < config_.shape.sequence_length) {
    if (stretch.at == stretch.end && next_sentence_ < num_sentences_) {
      const std::span<const int32_t> sentence = split_.sentence(next_sentence_++);
      const int64_t begin = sentence.data() - tokens.data();
      stretch = {.at = begin, .end = begin + static_cast<int64_t>(sentence.size())};
    }
    const int64_t take = std::min(stretch.end - stretch.at, config_.shape.sequence_length - t);
    if (take == 0) {
      rows.pad(row, t);
      return;
    }
    const auto at = static_cast<size_t>(stretch.at);
    // A sentence is preceded by the </s> that closes the one before it.
    const int32_t before = at == 0 ? Vocabulary::kSentenceMark : tokens[at - 1];
    rows.put(row, t, before, tokens.subspan(at, static_cast<size_t>(take)), stretch.reset);
    note_positions(row, t, stretch.at, take);
    stretch.at += take;
    stretch.reset = false;
    t += take;
  }
}

void EvaluationSource::note_positions(int64_t stream, int64_t t, int64_t first, int64_t count) {
  const int64_t row = stream - config_.shape.rank * config_.shape.batch_size;
  if (row >= 0 && row < config_.shape.batch_size) {
    const auto begin = positions_.begin() + row * config_.shape.sequence_length + t;
    std::iota(begin, begin + count, first);
  }
}

}  // namespace switchyard::data
