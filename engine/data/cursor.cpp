#include "data/cursor.h"

#include "core/error.h"

namespace switchyard::data {

namespace {

constexpr int64_t kVersion = 1;
constexpr size_t kFixed = 6;  // version, by_sentence, epoch, next_sentence, words_seen, streams

}  // namespace

std::vector<int64_t> DataCursor::to_values() const {
  std::vector<int64_t> values = {kVersion,   by_sentence ? 1 : 0,
                                 epoch,      next_sentence,
                                 words_seen, static_cast<int64_t>(streams.size())};
  for (const StreamPosition& stream : streams) {
    values.push_back(stream.part);
    values.push_back(stream.offset);
  }
  return values;
}

DataCursor DataCursor::from_values(std::span<const int64_t> values) {
  core::require(
      values.size() >= kFixed && values[0] == kVersion && (values[1] == 0 || values[1] == 1) &&
          values[5] >= 0 && values.size() - kFixed == 2 * static_cast<uint64_t>(values[5]),
      "data cursor: {} numbers that are not a cursor of version {}", values.size(), kVersion);
  DataCursor cursor{.by_sentence = values[1] == 1,
                    .epoch = values[2],
                    .next_sentence = values[3],
                    .words_seen = values[4],
                    .streams = {}};
  for (size_t i = kFixed; i < values.size(); i += 2) {
    cursor.streams.push_back({.part = values[i], .offset = values[i + 1]});
  }
  return cursor;
}

}  // namespace switchyard::data
