#pragma once

#include <string>
#include <vector>

#include "sweep/sweep_file.h"

namespace switchyard::sweep {

/// A run of a sweep, before its configuration is made.
struct SweepPoint {
  std::string name;                     // of its directory: letters, digits, "-", "_" and "."
  std::filesystem::path base;           // configuration file
  std::vector<Assignment> assignments;  // in the order of application
  std::vector<Assignment> searched;     // those that come from [search]
  core::ConfigOrigin origin;
};

/// Points that differ only in searched keys; the best one represents the group.
struct PointGroup {
  std::string name;
  std::string label;
  std::vector<SweepPoint> points;
};

/// Expands a file: every [[point]] times the values of [grid], each times the values of [search].
/// Names are made from the values: "moe_k-2_dropout-0.1". The order is that of the file, with the
/// last key varying fastest. Throws Error(kInvalidArgument) for an invalid or repeated name.
[[nodiscard]] std::vector<PointGroup> expand(const SweepFile& file);

/// The indices of the groups that a request selects, each once and in the order of its names; all
/// groups if it has no names. "moe-*" selects by prefix. Throws Error(kInvalidArgument), with the
/// nearest name, for a name that selects nothing.
[[nodiscard]] std::vector<size_t> select_groups(const SeriesRequest& request,
                                                const std::vector<PointGroup>& groups);

/// A setting for people, by the last part of its key: "dropout 0.1".
[[nodiscard]] std::string short_text(const Assignment& assignment);

}  // namespace switchyard::sweep
