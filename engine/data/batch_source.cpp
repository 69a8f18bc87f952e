#include "data/batch_source.h"

#include <algorithm>

#include "core/error.h"
#include "data/vocabulary.h"

namespace switchyard::data {

namespace {

DataCursor start_of(const BatchSourceConfig& config) {
  DataCursor cursor;
  cursor.by_sentence = config.reset_state;
  const StreamPosition first = {.part = config.reset_state ? -1 : 0, .offset = 0};
  cursor.streams.assign(static_cast<size_t>(config.shape.num_streams()), first);
  return cursor;
}

}  // namespace

BatchSource::BatchSource(const Split& split, const BatchSourceConfig& config)
    : split_(&split),
      config_(config),
      sentence_order_(split.num_sentences(), config.seed),
      token_order_(split.num_tokens(), config.seed) {
  config.shape.check("BatchSource");
  core::require(config.reset_state || split.num_tokens() >= config.shape.num_streams(),
                "BatchSource: running text of {} tokens cannot be cut into {} streams; give a "
                "smaller batch_size",
                split.num_tokens(), config.shape.num_streams());
  cursor_ = start_of(config);
}

void BatchSource::next(Batch& batch) {
  BatchRows rows(batch, config_.shape, *split_);
  for (int64_t stream = 0; stream < config_.shape.num_streams(); ++stream) {
    if (config_.reset_state) {
      fill_by_sentence(rows, stream);
    } else {
      fill_running(rows, stream);
    }
  }
  if (!config_.reset_state) {
    cursor_.epoch = cursor_.streams.front().part;
  }
  cursor_.words_seen += config_.shape.num_streams() * config_.shape.sequence_length;
}

void BatchSource::fill_by_sentence(BatchRows& rows, int64_t stream) {
  StreamPosition& position = cursor_.streams[static_cast<size_t>(stream)];
  for (int64_t t = 0; t < config_.shape.sequence_length;) {
    if (position.part < 0) {
      take_sentence(position);
    }
    const std::span<const int32_t> sentence = split_->sentence(position.part);
    const auto offset = static_cast<size_t>(position.offset);
    const size_t take =
        std::min(sentence.size() - offset, static_cast<size_t>(config_.shape.sequence_length - t));
    const int32_t before = offset == 0 ? Vocabulary::kSentenceMark : sentence[offset - 1];
    rows.put(stream, t, before, sentence.subspan(offset, take), offset == 0);
    t += static_cast<int64_t>(take);
    position.offset += static_cast<int64_t>(take);
    if (offset + take == sentence.size()) {
      position = {};
    }
  }
}

void BatchSource::take_sentence(StreamPosition& position) {
  const int64_t place = cursor_.next_sentence;
  position.part = config_.shuffle ? sentence_order_.at(cursor_.epoch, place) : place;
  position.offset = 0;
  if (++cursor_.next_sentence == split_->num_sentences()) {
    cursor_.next_sentence = 0;
    ++cursor_.epoch;
  }
}

int64_t BatchSource::stretch_begin(int64_t stream) const {
  // In two parts, so that tokens * streams cannot overflow.
  const int64_t n = split_->num_tokens();
  const int64_t num_streams = config_.shape.num_streams();
  return n / num_streams * stream + n % num_streams * stream / num_streams;
}

void BatchSource::fill_running(BatchRows& rows, int64_t stream) {
  const std::span<const int32_t> tokens = split_->tokens();
  const int64_t n = split_->num_tokens();
  const int64_t begin = stretch_begin(stream);
  const int64_t length = stretch_begin(stream + 1) - begin;
  StreamPosition& position = cursor_.streams[static_cast<size_t>(stream)];
  for (int64_t t = 0; t < config_.shape.sequence_length;) {
    const int64_t epoch_start = config_.shuffle ? token_order_.at(position.part, 0) : 0;
    const int64_t at = (epoch_start + begin + position.offset) % n;
    const int64_t take =
        std::min({length - position.offset, n - at, config_.shape.sequence_length - t});
    const int32_t before =
        at == 0 ? Vocabulary::kSentenceMark : tokens[static_cast<size_t>(at - 1)];
    rows.put(stream, t, before, tokens.subspan(static_cast<size_t>(at), static_cast<size_t>(take)),
             position.offset == 0 || at == 0);
    t += take;
    position.offset += take;
    if (position.offset == length) {
      position = {.part = position.part + 1, .offset = 0};
    }
  }
}

void BatchSource::seek(const DataCursor& cursor) {
  core::require(cursor.by_sentence == config_.reset_state,
                "BatchSource::seek: the cursor is one of {}, data.reset_state asks for the other",
                cursor.by_sentence ? "sentences" : "running text");
  core::require(cursor.streams.size() == cursor_.streams.size(),
                "BatchSource::seek: the cursor has {} streams, batch_size * ranks is {}; resume "
                "with the same batch size over all ranks",
                cursor.streams.size(), cursor_.streams.size());
  bool ok = cursor.epoch >= 0 && cursor.words_seen >= 0 && cursor.next_sentence >= 0 &&
            cursor.next_sentence < split_->num_sentences();
  for (size_t s = 0; s < cursor.streams.size() && ok; ++s) {
    const StreamPosition& position = cursor.streams[s];
    const auto stream = static_cast<int64_t>(s);
    int64_t length = 1;
    if (!cursor.by_sentence) {
      length = stretch_begin(stream + 1) - stretch_begin(stream);
    } else if (position.part >= 0 && position.part < split_->num_sentences()) {
      length = static_cast<int64_t>(split_->sentence(position.part).size());
    }
    ok = position.offset >= 0 && position.offset < length &&
         (cursor.by_sentence ? position.part >= -1 && position.part < split_->num_sentences()
                             : position.part >= 0);
  }
  core::require(ok,
                "BatchSource::seek: the cursor does not fit the split \"{}\" of {} sentences; it "
                "is one of other data",
                split_->info().name, split_->num_sentences());
  cursor_ = cursor;
}

}  // namespace switchyard::data
