#pragma once

#include <cstdint>
#include <optional>
#include <storage/run_types.h>
#include <storage/run_writer.h>
#include <string>
#include <variant>
#include <vector>

namespace switchyard::storage {

// The entries of the writer's queue: one struct per call of RunWriter, owning its data.

/// RunWriter::meta().
struct MetaItem {
  std::string key;
  std::string value;
};

/// RunWriter::metric().
struct MetricItem {
  std::string name;
  std::string unit;
  int64_t step;
  double value;
  MetricKind kind;
};

/// RunWriter::step_time().
struct StepItem {
  StepTime time;  // seg is filled in by the recorder
};

/// RunWriter::layer().
struct LayerItem {
  std::string name;
  int64_t num_experts;
  int64_t top_k;
};

/// The part of an ExpertItem that is always kept.
struct ReducedExperts {
  ExpertSummary summary;
  std::vector<float> importance;  // [bins]
  std::vector<float> load;        // [bins]
};

/// RunWriter::experts().
struct ExpertItem {
  std::string layer;
  int64_t step;
  int64_t dropped;
  std::vector<float> importance;  // [num_experts]; empty once only `reduced` is left
  std::vector<float> load;
  std::vector<float> tokens;  // empty: `load` is used instead
  std::optional<ReducedExperts> reduced;
};

/// RunWriter::begin_segment().
struct SegmentItem {
  SegmentStart start;
  int64_t utc_ns;
};

/// RunWriter::end_segment().
struct SegmentEndItem {
  int64_t end_step;
  std::string exit_kind;
  int64_t exit_code;
  int64_t utc_ns;
};

/// RunWriter::checkpoint().
struct CheckpointItem {
  Checkpoint checkpoint;
};

/// RunWriter::checkpoint_deleted().
struct CheckpointDeletedItem {
  std::string dir;
};

/// RunWriter::event().
struct EventItem {
  Event event;
};

using Item = std::variant<MetaItem, MetricItem, StepItem, LayerItem, ExpertItem, SegmentItem,
                          SegmentEndItem, CheckpointItem, CheckpointDeletedItem, EventItem>;

/// The approximate memory that an item takes, in bytes.
[[nodiscard]] int64_t bytes_of(const Item& item);

/// Fills item.reduced unless it is filled already.
void reduce(ExpertItem& item);

}  // namespace switchyard::storage
