#include "sweep/sweep_file.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "core/error.h"
#include "core/nearest_name.h"

namespace switchyard::sweep {
namespace {

using core::ConfigItem;
using core::ConfigProblem;
using core::ConfigValue;
using core::Field;
using core::FieldType;

template <typename T>
using Choice = std::pair<std::string_view, T>;

constexpr std::array<Choice<PlotKind>, 4> kPlotKinds = {
    {{"perplexity_vs_parameters", PlotKind::kPerplexityVsParameters},
     {"perplexity_vs_ops", PlotKind::kPerplexityVsOps},
     {"perplexity_vs_words", PlotKind::kPerplexityVsWords},
     {"throughput_vs_experts", PlotKind::kThroughputVsExperts}}};

constexpr std::array<Choice<TableKind>, 1> kTableKinds = {{{"balance", TableKind::kBalance}}};

constexpr size_t kMaxEntries = 10000;

/// "point[3].set.model.dropout": the name, the place in a list of tables, and what is left.
struct Step {
  std::string name;
  std::optional<size_t> index;
  std::string rest;
};

Step first_step(const std::string& path) {
  Step step;
  const size_t dot = path.find('.');
  step.name = path.substr(0, dot);
  step.rest = dot == std::string::npos ? "" : path.substr(dot + 1);
  if (const size_t bracket = step.name.find('['); bracket != std::string::npos) {
    step.index = std::strtoull(step.name.c_str() + bracket + 1, nullptr, 10);
    step.name.resize(bracket);
  }
  return step;
}

/// A number as it would be written: lists hold doubles, but 64 experts are a whole number.
ConfigValue number_value(double value) {
  const bool is_whole = std::floor(value) == value && std::abs(value) < 0x1p53;
  return is_whole ? ConfigValue(static_cast<int64_t>(value)) : ConfigValue(value);
}

/// May a file extend another? One that is extended may not: no chains, no circles.
enum class Extension { kAllowed, kRefused };

SweepFile parse_file(const std::string& text, const std::filesystem::path& path,
                     Extension extension);

/// State that the tables of one file share while they are read.
struct Reading {
  std::filesystem::path path;
  Extension extension;
  std::vector<ConfigProblem> problems = {};
  std::vector<std::string> unknown = {};

  void refuse(const core::ConfigOrigin& origin, std::string message) {
    problems.push_back({origin, {origin.line, origin.column, 1}, std::move(message)});
  }
};

/// Gives one item of a file to the member that has its name. `path` is the item's path inside the
/// table; a function `describe` below lists the keys of each kind of table. finish() refuses an
/// item that is none of them.
class TableKeys {
 public:
  TableKeys(Reading& reading, const ConfigItem& item, const std::string& path)
      : reading_(reading), item_(item), step_(first_step(path)) {}

  void text(const char* name, std::string& member) {
    if (const auto value = read<std::string>(name, {name, FieldType::kText})) {
      refuse_value_if(value->empty(), "a text in quotes that is not empty");
      member = *value;
    }
  }

  void flag(const char* name, bool& member) {
    if (const auto value = read<bool>(name, {name, FieldType::kBool})) {
      member = *value;
    }
  }

  void path(const char* name, std::filesystem::path& member) {
    std::string given;
    text(name, given);
    if (!given.empty()) {
      member = (reading_.path.parent_path() / given).lexically_normal();
    }
  }

  template <typename T, size_t Count>
  void choice(const char* name, T& member, const std::array<Choice<T>, Count>& choices) {
    Field field{name, FieldType::kText};
    for (const auto& [text, value] : choices) {
      field.choices.emplace_back(text);
    }
    if (const auto text = read<std::string>(name, field)) {
      const auto at = std::find(field.choices.begin(), field.choices.end(), *text);
      member = choices[static_cast<size_t>(at - field.choices.begin())].second;
    }
  }

  /// The names of points.
  void points(const char* name, SeriesRequest& member) {
    if (const auto names = read<std::vector<std::string>>(name, {name, FieldType::kTextList})) {
      refuse_value_if(names->empty(), "a list of names of points");
      member.origin = item_.origin;
      member.points = *names;
    }
  }

  /// Another file, whose base, settings and points the file takes over.
  void extends(const char* name, SweepFile& member) {
    std::filesystem::path other;
    path(name, other);
    if (other.empty()) {
      return;  // another key, or a problem already
    }
    core::require(
        reading_.extension == Extension::kAllowed,
        "{}: a file that another one extends must not extend a third; extend that one directly",
        item_.origin.text());
    std::error_code unreadable;
    core::require(std::filesystem::is_regular_file(other, unreadable),
                  "{}: 'extends' must name a file of experiments, counted from this file's "
                  "directory; there is none that can be read at {}",
                  item_.origin.text(), other.string());
    member = parse_file(core::read_config_text(other), other, Extension::kRefused);
  }

  /// A table of settings of a run.
  void assignments(const char* name, std::vector<Assignment>& member) {
    if (!is_inside(name)) {
      return;
    }
    refuse_value_if(!item_.unsupported.empty(), "a value that a configuration can hold");
    if (!item_.is_table() && item_.unsupported.empty()) {
      member.push_back({step_.rest, item_.value, item_.origin});
    }
  }

  /// A table of settings of a run, each with a list of values.
  void axes(const char* name, std::vector<Axis>& member) {
    if (!is_inside(name) || item_.is_table()) {
      return;  // a table is "model" of the dotted key model.dropout
    }
    Axis axis{step_.rest, {}};
    if (const auto* numbers = std::get_if<std::vector<double>>(&item_.value)) {
      for (const double value : *numbers) {
        axis.values.push_back({axis.key, number_value(value), item_.origin});
      }
    } else if (const auto* texts = std::get_if<std::vector<std::string>>(&item_.value)) {
      for (const std::string& value : *texts) {
        axis.values.push_back({axis.key, value, item_.origin});
      }
    }
    refuse_value_if(axis.values.empty(), "a list of numbers or of texts, one run each");
    member.push_back(std::move(axis));
  }

  /// A list of tables [[name]] whose keys are those of `describe` for a T.
  template <typename T>
  void tables(const char* name, std::vector<T>& member) {
    if (!is(name)) {
      return;
    }
    if (!step_.index) {
      reading_.problems.push_back(ConfigProblem::of_key(
          item_, fmt::format("'{}' must be a list of tables: write [[{}]]", name, name)));
      return;
    }
    core::require(*step_.index < kMaxEntries, "{} must hold fewer than {} tables of a kind",
                  reading_.path.string(), kMaxEntries);
    member.resize(std::max(member.size(), *step_.index + 1));
    T& entry = member[*step_.index];
    if (step_.rest.empty()) {
      entry.origin = item_.origin;
      return;
    }
    TableKeys keys(reading_, item_, step_.rest);
    describe(keys, entry);
    keys.finish();
  }

  void finish() {
    if (is_known_) {
      return;
    }
    const bool is_first =
        std::none_of(reading_.unknown.begin(), reading_.unknown.end(), [&](const auto& seen) {
          return item_.path.starts_with(seen + ".") || item_.path.starts_with(seen + "[");
        });
    if (is_first) {
      const std::string nearest = core::did_you_mean(step_.name, names_);
      reading_.problems.push_back(ConfigProblem::of_key(
          item_,
          fmt::format(
              "unknown key '{}'{}", item_.path,
              nearest.empty() ? fmt::format("; there are {}", fmt::join(names_, ", ")) : nearest)));
    }
    reading_.unknown.push_back(item_.path);
  }

 private:
  bool is(const char* name) {
    names_.emplace_back(name);
    is_known_ = is_known_ || step_.name == name;
    return step_.name == name;
  }

  /// Whether the item is a setting in the table of that name; checks that it is a table.
  bool is_inside(const char* name) {
    if (!is(name) || !step_.rest.empty()) {
      return step_.name == name;
    }
    refuse_value_if(!item_.is_table(), "a table of settings");
    return false;
  }

  /// The item's value if it is that field and fits.
  template <typename T>
  std::optional<T> read(const char* name, const Field& field) {
    if (!is(name)) {
      return std::nullopt;
    }
    if (step_.index || !step_.rest.empty()) {
      is_known_ = false;  // something inside what is no table
      return std::nullopt;
    }
    core::CheckedValue checked = check(field, item_);
    if (!checked.problem.empty()) {
      reading_.problems.push_back(ConfigProblem::of_value(item_, std::move(checked.problem)));
      return std::nullopt;
    }
    return std::get<T>(std::move(checked.value));
  }

  void refuse_value_if(bool is_wrong, std::string_view rule) {
    if (is_wrong) {
      reading_.problems.push_back(ConfigProblem::of_value(
          item_, fmt::format("'{}' must be {}, got {}", item_.path, rule, item_.given())));
    }
  }

  Reading& reading_;
  const ConfigItem& item_;
  Step step_;
  bool is_known_ = false;
  std::vector<std::string> names_;
};

void describe(TableKeys& k, PointEntry& point) {
  k.text("name", point.name);
  k.text("label", point.label);
  k.path("base", point.base);
  k.assignments("set", point.set);
}

void describe(TableKeys& k, SeriesRequest& series) {
  k.text("label", series.label);
  k.points("points", series);
}

void describe(TableKeys& k, PlotRequest& plot) {
  SeriesRequest only;
  k.choice("kind", plot.kind, kPlotKinds);
  k.text("title", plot.title);
  k.points("points", only);
  k.tables("series", plot.series);
  if (!only.points.empty()) {
    plot.series.push_back(std::move(only));
  }
}

void describe(TableKeys& k, TableRequest& table) {
  k.choice("kind", table.kind, kTableKinds);
  k.text("title", table.title);
  k.points("points", table.points);
}

/// The keys of a whole file. `extended` takes the file that it extends.
void describe(TableKeys& k, SweepFile& file, SweepFile& extended) {
  k.text("title", file.title);
  k.text("description", file.description);
  k.flag("evaluate", file.evaluate);
  k.extends("extends", extended);
  k.path("base", file.base);
  k.assignments("set", file.set);
  k.tables("point", file.points);
  k.axes("grid", file.grid);
  k.axes("search", file.search);
  k.tables("plot", file.plots);
  k.tables("table", file.tables);
}

void check_points(const SweepFile& file, Reading& reading) {
  for (const PointEntry& point : file.points) {
    if (point.name.empty()) {
      reading.refuse(point.origin, "a [[point]] must have a name: name = \"dense\"");
    }
    if (point.base.empty() && file.base.empty()) {
      reading.refuse(point.origin,
                     "'base' must be given, here or for all points: the configuration that the "
                     "settings change");
    }
  }
  const core::ConfigOrigin whole{core::ConfigOrigin::Kind::kFile, reading.path.string()};
  if (file.points.empty() && file.grid.empty() && file.search.empty()) {
    reading.refuse(whole,
                   "a sweep must hold points: [[point]] entries, or lists of values in [grid] or "
                   "[search]");
  } else if (file.points.empty() && file.base.empty()) {
    reading.refuse(whole, "'base' must be given: the configuration that the settings change");
  }
}

void check_plots(const core::ConfigDocument& document, const SweepFile& file, Reading& reading) {
  for (size_t i = 0; i < file.plots.size(); ++i) {
    const std::string kind = fmt::format("plot[{}].kind", i);
    const auto& items = document.items();
    if (std::none_of(items.begin(), items.end(),
                     [&](const ConfigItem& item) { return item.path == kind; })) {
      reading.refuse(file.plots[i].origin, fmt::format("a [[plot]] must have a kind: kind = \"{}\"",
                                                       kPlotKinds[0].first));
    }
  }
}

void check_search(const SweepFile& file, Reading& reading) {
  if (!file.evaluate && !file.search.empty() && !file.search[0].values.empty()) {
    reading.refuse(file.search[0].values[0].origin,
                   "[search] looks for the lowest perplexity, so 'evaluate' must be true");
  }
  for (const Axis& axis : file.search) {
    for (const Axis& other : file.grid) {
      if (axis.key == other.key && !axis.values.empty()) {
        reading.refuse(axis.values[0].origin, fmt::format("'{}' stands in [grid] too", axis.key));
      }
    }
  }
}

/// Puts the base, the settings and the points of the extended file before those of this one.
void take_over(SweepFile& file, SweepFile extended) {
  if (file.base.empty()) {
    file.base = std::move(extended.base);
  }
  file.set.insert(file.set.begin(), extended.set.begin(), extended.set.end());
  file.points.insert(file.points.begin(), extended.points.begin(), extended.points.end());
}

SweepFile parse_file(const std::string& text, const std::filesystem::path& path,
                     Extension extension) {
  const core::ConfigDocument document = core::ConfigDocument::parse(text, path.string());
  Reading reading{path, extension};
  SweepFile file;
  SweepFile extended;
  file.path = path;
  for (const ConfigItem& item : document.items()) {
    TableKeys keys(reading, item, item.path);
    describe(keys, file, extended);
    keys.finish();
  }
  take_over(file, std::move(extended));
  check_points(file, reading);
  check_plots(document, file, reading);
  check_search(file, reading);
  document.refuse(reading.problems);
  return file;
}

}  // namespace

SweepFile parse_sweep_file(const std::string& text, const std::filesystem::path& path) {
  return parse_file(text, path, Extension::kAllowed);
}

SweepFile load_sweep_file(const std::filesystem::path& file) {
  return parse_sweep_file(core::read_config_text(file), file);
}

std::string_view name_of(PlotKind kind) {
  for (const auto& [name, one] : kPlotKinds) {
    if (one == kind) {
      return name;
    }
  }
  return "plot";
}

}  // namespace switchyard::sweep
