#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace switchyard::storage {

using Sha256 = std::array<uint8_t, 32>;

/// A revision of the run's resolved configuration.
struct ConfigRevision {
  int64_t rev = 0;  // from 1
  int64_t utc_ns = 0;
  std::string toml;
  Sha256 sha256{};
  std::string origin;  // "start", "resume"
};

/// One start of the run, up to its end or its crash.
struct Segment {
  int64_t seg = 0;  // from 1
  int64_t config_rev = 0;
  int64_t start_step = 0;
  int64_t start_utc_ns = 0;
  std::string boot_id;
  std::string host;
  std::string engine;
  int64_t world = 1;
  std::optional<int64_t> from_checkpoint;  // step
  std::string reason;
  std::optional<int64_t> end_step;
  std::optional<int64_t> end_utc_ns;
  std::optional<std::string> exit_kind;  // empty while it runs; "lost" after a crash
  std::optional<int64_t> exit_code;
};

/// A metric and its unit.
struct MetricName {
  int64_t id = 0;
  std::string name;
  std::string unit;
};

/// The value of a metric at one step.
struct MetricPoint {
  int64_t step = 0;
  double value = 0.0;  // NaN where NaN was logged
  bool is_replayed = false;
};

/// Several steps of a metric, reduced to one entry. Minimum, maximum and mean ignore NaN; all three
/// are NaN where every value is.
struct MetricBucket {
  int64_t first_step = 0;
  int64_t num_steps = 0;  // the width in steps
  int64_t num_values = 0;
  int64_t num_nan = 0;
  double min = 0.0;
  double max = 0.0;
  double mean = 0.0;
};

/// When a step ended, and how many tokens it trained on.
struct StepTime {
  int64_t step = 0;
  int64_t seg = 0;
  int64_t utc_ns = 0;
  int64_t mono_ns = 0;
  int64_t tokens = 0;
};

/// A layer whose experts are recorded.
struct Layer {
  int64_t id = 0;
  std::string name;
  int64_t num_experts = 0;
  int64_t top_k = 0;
};

/// All experts of a layer at one step, as logged.
struct ExpertBlob {
  int64_t step = 0;
  std::vector<float> importance;  // [num_experts]
  std::vector<float> load;        // [num_experts]
};

/// The balance of a layer at one logged step.
struct ExpertSummary {
  int64_t step = 0;
  double cv2_importance = 0.0;  // squared coefficient of variation; NaN where the mean is 0
  double cv2_load = 0.0;
  double max_over_mean = 0.0;  // of the tokens
  int64_t dead = 0;            // experts without a token
  int64_t dropped = 0;         // tokens over capacity
  int64_t top_expert = -1;     // the one with the most tokens; -1 where none had any
  double top_share = 0.0;      // its share of all tokens
};

/// The steps behind one column of a heat map.
struct HeatMapColumn {
  int64_t first_step = 0;
  int64_t num_steps = 0;   // the width in steps
  int64_t num_logged = 0;  // how many of them were logged
};

/// Experts x steps, reduced to bins x columns. Bin b sums the experts
/// [b * n / num_bins, (b + 1) * n / num_bins) of n; a column is the mean over its logged steps.
struct HeatMap {
  int64_t num_experts = 0;
  int64_t num_bins = 0;
  std::vector<HeatMapColumn> columns;
  std::vector<float> importance;  // [columns, num_bins]
  std::vector<float> load;        // [columns, num_bins]
};

/// A checkpoint, as the database knows it.
struct Checkpoint {
  int64_t id = 0;
  int64_t step = 0;
  int64_t utc_ns = 0;
  std::string dir;
  int64_t bytes = 0;
  Sha256 manifest_sha256{};
  std::string state;  // "complete", "verified", "corrupt", "deleted"
};

/// Something that happened during the run and is worth telling.
struct Event {
  int64_t id = 0;
  int64_t utc_ns = 0;
  std::optional<int64_t> step;
  int level = 1;  // 1 information, 2 warning, 3 error
  std::string code;
  std::string message;
  std::string detail;
};

}  // namespace switchyard::storage
