#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/config_document.h"

namespace switchyard::sweep {

/// One setting of a run's configuration as a sweep gives it, and where it is written.
struct Assignment {
  std::string key;  // dotted: "model.dropout"
  core::ConfigValue value;
  core::ConfigOrigin origin;
};

/// A key and the values it takes in turn: a line of [grid] or [search].
struct Axis {
  std::string key;
  std::vector<Assignment> values;
};

/// A [[point]] as it is written.
struct PointEntry {
  std::string name;
  std::string label;           // for people; "" = the name
  std::filesystem::path base;  // empty: that of the sweep
  std::vector<Assignment> set;
  core::ConfigOrigin origin;
};

/// Points of a plot that belong together. A name may end in "*".
struct SeriesRequest {
  std::string label;
  std::vector<std::string> points;
  core::ConfigOrigin origin;
};

enum class PlotKind {
  kPerplexityVsParameters,
  kPerplexityVsOps,
  kPerplexityVsWords,
  kThroughputVsExperts
};

/// A [[plot]]: one series of `points`, or a [[plot.series]] each. No series: one of all points.
struct PlotRequest {
  PlotKind kind = PlotKind::kPerplexityVsParameters;
  std::string title;
  std::vector<SeriesRequest> series;
  core::ConfigOrigin origin;
};

enum class TableKind { kBalance };

/// A [[table]]; no points: all of them.
struct TableRequest {
  TableKind kind = TableKind::kBalance;
  std::string title;
  SeriesRequest points;
  core::ConfigOrigin origin;
};

/// A file of experiments as it is written, checked but not yet expanded. Of a file that it extends
/// it holds the base, unless it has its own, and the settings and points, before its own.
struct SweepFile {
  std::filesystem::path path;
  std::string title;
  std::string description;
  bool evaluate = true;  // every run on the valid and the test split; without it only speed counts
  std::filesystem::path base;
  std::vector<Assignment> set;
  std::vector<PointEntry> points;
  std::vector<Axis> grid;
  std::vector<Axis> search;
  std::vector<PlotRequest> plots;
  std::vector<TableRequest> tables;
};

/// Reads a sweep file. Paths in it count from its own directory. Throws Error(kInvalidArgument)
/// that names every problem with file, line and column; Error(kNotFound) if there is no such file.
[[nodiscard]] SweepFile load_sweep_file(const std::filesystem::path& file);
/// The same for a text; `path` stands for the file.
[[nodiscard]] SweepFile parse_sweep_file(const std::string& text,
                                         const std::filesystem::path& path);

/// "perplexity_vs_ops": as a file names it, and the stem of the picture's name.
[[nodiscard]] std::string_view name_of(PlotKind kind);

}  // namespace switchyard::sweep
