#pragma once

#include <cstdint>
#include <optional>
#include <storage/run_types.h>
#include <storage/run_writer.h>
#include <string>
#include <variant>
#include <vector>

namespace switchyard::storage {

/// What the writer's queue holds: one struct per call of RunWriter, owning its data.
struct MetaItem {
  std::string key;
  std::string value;
};

struct MetricItem {
  std::string name;
  std::string unit;
  int64_t step;
  double value;
  MetricKind kind;
};

struct StepItem {
  StepTime time;  // seg is filled in by the recorder
};

struct LayerItem {
  std::string name;
  int64_t num_experts;
  int64_t top_k;
};

/// What is always kept of an ExpertItem.
struct ReducedExperts {
  ExpertSummary summary;
  std::vector<float> importance;  // [bins]
  std::vector<float> load;        // [bins]
};

struct ExpertItem {
  std::string layer;
  int64_t step;
  int64_t dropped;
  std::vector<float> importance;  // [num_experts]; empty once it is reduced only
  std::vector<float> load;
  std::vector<float> tokens;  // empty: load stands in
  std::optional<ReducedExperts> reduced;
};

struct SegmentItem {
  SegmentStart start;
  int64_t utc_ns;
};

struct SegmentEndItem {
  int64_t end_step;
  std::string exit_kind;
  int64_t exit_code;
  int64_t utc_ns;
};

struct CheckpointItem {
  Checkpoint checkpoint;
};

struct CheckpointDeletedItem {
  std::string dir;
};

struct EventItem {
  Event event;
};

using Item = std::variant<MetaItem, MetricItem, StepItem, LayerItem, ExpertItem, SegmentItem,
                          SegmentEndItem, CheckpointItem, CheckpointDeletedItem, EventItem>;

/// Memory that an item takes, roughly.
[[nodiscard]] int64_t bytes_of(const Item& item);

/// Fills item.reduced, once.
void reduce(ExpertItem& item);

}  // namespace switchyard::storage
