#include "sweep/sweep_points.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <utility>

#include "core/error.h"
#include "core/nearest_name.h"

namespace switchyard::sweep {
namespace {

constexpr size_t kMaxNameLength = 120;
constexpr size_t kMaxPoints = 10000;

std::string leaf_of(const std::string& key) {
  const size_t dot = key.rfind('.');
  return dot == std::string::npos ? key : key.substr(dot + 1);
}

/// The last part of the key, or the whole key if another axis ends in the same part.
std::string tag_of(const std::string& key, const std::vector<const Axis*>& axes) {
  const auto same = std::count_if(axes.begin(), axes.end(), [&](const Axis* axis) {
    return leaf_of(axis->key) == leaf_of(key);
  });
  return same > 1 ? key : leaf_of(key);
}

std::string value_text(const core::ConfigValue& value) {
  const auto* text = std::get_if<std::string>(&value);
  return text != nullptr ? *text : core::setting_text(value);
}

bool is_name_letter(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x80 && (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.');
}

/// Replaces the characters of a value that cannot be part of a directory name.
std::string name_part(const std::string& text) {
  std::string part;
  for (const char c : text) {
    part += is_name_letter(c) ? c : '-';
  }
  return part;
}

void check_name(const std::string& name, const core::ConfigOrigin& origin) {
  const bool is_good = !name.empty() && name.size() <= kMaxNameLength && name[0] != '.' &&
                       std::all_of(name.begin(), name.end(), is_name_letter);
  core::require(is_good,
                "{}: the name of a point must be 1 to {} letters, digits, '-', '_' or '.' and not "
                "begin with '.', got '{}'",
                origin.text(), kMaxNameLength, name);
}

/// All combinations of one value per axis; the last axis varies fastest.
std::vector<std::vector<Assignment>> combinations(const std::vector<Axis>& axes) {
  std::vector<std::vector<Assignment>> all = {{}};
  for (const Axis& axis : axes) {
    std::vector<std::vector<Assignment>> longer;
    for (const std::vector<Assignment>& before : all) {
      for (const Assignment& value : axis.values) {
        longer.push_back(before);
        longer.back().push_back(value);
      }
    }
    all = std::move(longer);
    core::require(all.size() <= kMaxPoints,
                  "a sweep must have at most {} points, [grid] and [search] make more", kMaxPoints);
  }
  return all;
}

void append(std::vector<Assignment>& to, const std::vector<Assignment>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

class Expansion {
 public:
  explicit Expansion(const SweepFile& file) : file_(file) {
    for (const Axis& axis : file.grid) {
      axes_.push_back(&axis);
    }
    for (const Axis& axis : file.search) {
      axes_.push_back(&axis);
    }
  }

  std::vector<PointGroup> run() {
    std::vector<PointEntry> entries = file_.points;
    if (entries.empty()) {
      entries.emplace_back();  // the base itself; only the values tell points apart
      entries.back().origin.kind = core::ConfigOrigin::Kind::kFile;
      entries.back().origin.source = file_.path.string();
    }
    std::vector<PointGroup> groups;
    for (const PointEntry& entry : entries) {
      for (const std::vector<Assignment>& values : combinations(file_.grid)) {
        groups.push_back(group(entry, values));
      }
    }
    return groups;
  }

 private:
  [[nodiscard]] std::string named(std::string name, const std::vector<Assignment>& values) const {
    for (const Assignment& one : values) {
      name += name.empty() ? "" : "_";
      name += name_part(fmt::format("{}-{}", tag_of(one.key, axes_), value_text(one.value)));
    }
    return name;
  }

  PointGroup group(const PointEntry& entry, const std::vector<Assignment>& grid_values) {
    PointGroup group;
    group.name = named(entry.name, grid_values);
    group.label = entry.label.empty() ? entry.name : entry.label;
    for (const Assignment& value : grid_values) {
      group.label += (group.label.empty() ? "" : ", ") + short_text(value);
    }
    for (const std::vector<Assignment>& searched : combinations(file_.search)) {
      SweepPoint point;
      point.name = named(group.name, searched);
      point.base = entry.base.empty() ? file_.base : entry.base;
      point.assignments = file_.set;
      append(point.assignments, entry.set);
      append(point.assignments, grid_values);
      append(point.assignments, searched);
      point.searched = searched;
      point.origin = entry.origin;
      check_name(point.name, entry.origin);
      core::require(names_.insert(point.name).second,
                    "{}: the name '{}' is used twice; every point needs its own directory",
                    entry.origin.text(), point.name);
      group.points.push_back(std::move(point));
    }
    if (group.name.empty()) {  // one base with searched values only
      group.name = group.label = "best";
    }
    return group;
  }

  const SweepFile& file_;
  std::vector<const Axis*> axes_;
  std::set<std::string> names_;
};

}  // namespace

std::vector<PointGroup> expand(const SweepFile& file) {
  return Expansion(file).run();
}

std::vector<size_t> select_groups(const SeriesRequest& request,
                                  const std::vector<PointGroup>& groups) {
  std::vector<size_t> selected;
  std::vector<std::string> names;
  for (size_t i = 0; i < groups.size(); ++i) {
    names.push_back(groups[i].name);
    if (request.points.empty()) {
      selected.push_back(i);
    }
  }
  for (const std::string& wanted : request.points) {
    const bool is_prefix = wanted.ends_with('*');
    const std::string prefix = is_prefix ? wanted.substr(0, wanted.size() - 1) : wanted;
    bool is_found = false;
    for (size_t i = 0; i < groups.size(); ++i) {
      const bool fits = is_prefix ? names[i].starts_with(prefix) : names[i] == wanted;
      is_found = is_found || fits;
      if (fits && std::find(selected.begin(), selected.end(), i) == selected.end()) {
        selected.push_back(i);
      }
    }
    core::require(is_found, "{}: there is no point '{}'{}", request.origin.text(), wanted,
                  core::did_you_mean(wanted, names));
  }
  return selected;
}

std::string short_text(const Assignment& assignment) {
  return fmt::format("{} {}", leaf_of(assignment.key), value_text(assignment.value));
}

}  // namespace switchyard::sweep
