#pragma once

#include <string>
#include <vector>

#include "sweep/sweep_file.h"

namespace switchyard::sweep {

/// One run of a sweep, before its configuration is made.
struct SweepPoint {
  std::string name;                     // of its directory: letters, digits, "-", "_" and "."
  std::filesystem::path base;           // configuration file
  std::vector<Assignment> assignments;  // in the order in which they are applied
  std::vector<Assignment> searched;     // those of them that come from [search]
  core::ConfigOrigin origin;
};

/// Points that differ only in searched keys; the best of them stands for all.
struct PointGroup {
  std::string name;
  std::string label;
  std::vector<SweepPoint> points;
};

/// Every [[point]] times the values of [grid], each times the values of [search]. Names are made
/// from the values: "moe_k-2_dropout-0.1". Order: that of the file, the last key running fastest.
/// Throws Error(kInvalidArgument) for a name that is no name or stands twice.
[[nodiscard]] std::vector<PointGroup> expand(const SweepFile& file);

/// The indices of the groups that `names` select, each once and in the order of the names; no
/// names: all. "moe-*" selects every name that begins so. Throws Error(kInvalidArgument), with the
/// nearest name, for a name that selects nothing.
[[nodiscard]] std::vector<size_t> select_groups(const SeriesRequest& request,
                                                const std::vector<PointGroup>& groups);

/// "dropout 0.1": a setting for people, by the last part of its key.
[[nodiscard]] std::string short_text(const Assignment& assignment);

}  // namespace switchyard::sweep
