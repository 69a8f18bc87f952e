#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "analysis/model_description.h"
#include "config/run_config.h"
#include "sweep/sweep_points.h"

namespace switchyard::sweep {

/// A checked run of a sweep: its configuration is valid, its plugins and data exist.
struct PlannedRun {
  std::string name;
  std::vector<Assignment> searched;
  core::Config settings;  // the whole configuration, with absolute paths
  int64_t steps = 0;
  int64_t num_experts = 0;
  double w_importance = 0.0;  // of the gate; NaN without a gate or without such a weight
  double w_load = 0.0;
  bool on_valid = false;  // which splits of its data it is evaluated on
  bool on_test = false;
  analysis::ModelDescription model;
};

/// The runs of one PointGroup.
struct PlannedGroup {
  std::string name;
  std::string label;
  std::vector<size_t> runs;  // indices into SweepPlan::runs
};

/// Everything that a sweep will do.
struct SweepPlan {
  SweepFile file;
  std::vector<PlannedGroup> groups;
  std::vector<PlannedRun> runs;
  std::vector<std::vector<std::vector<size_t>>> plot_groups;  // [plot][series] = groups
  std::vector<std::vector<size_t>> table_groups;              // [table] = groups
};

/// Expands a sweep file and checks every run, so that mistakes show before the first hour of
/// training. `overrides` ("a.b=c") are applied last, to all runs. Throws Error that names the point
/// and the place in the file.
[[nodiscard]] SweepPlan plan_sweep(SweepFile file, const std::vector<std::string>& overrides);

}  // namespace switchyard::sweep
