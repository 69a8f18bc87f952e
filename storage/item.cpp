#include "item.h"

#include "expert_codec.h"

namespace switchyard::storage {

int64_t bytes_of(const Item& item) {
  int64_t bytes = static_cast<int64_t>(sizeof(Item));
  if (const auto* experts = std::get_if<ExpertItem>(&item)) {
    size_t floats = experts->importance.size() + experts->load.size() + experts->tokens.size();
    if (experts->reduced) {
      floats += 2 * experts->reduced->importance.size();
    }
    bytes += static_cast<int64_t>(floats * sizeof(float));
  } else if (const auto* event = std::get_if<EventItem>(&item)) {
    bytes += static_cast<int64_t>(event->event.message.size() + event->event.detail.size());
  } else if (const auto* segment = std::get_if<SegmentItem>(&item)) {
    bytes += static_cast<int64_t>(segment->start.config_toml.size());
  }
  return bytes;
}

void reduce(ExpertItem& item) {
  if (item.reduced) {
    return;
  }
  const int64_t bins = num_bins(static_cast<int64_t>(item.importance.size()));
  const std::vector<float>& tokens = item.tokens.empty() ? item.load : item.tokens;
  item.reduced =
      ReducedExperts{summarize(item.step, item.importance, item.load, tokens, item.dropped),
                     bin_sums(item.importance, bins), bin_sums(item.load, bins)};
}

}  // namespace switchyard::storage
