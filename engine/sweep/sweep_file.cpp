#include "sweep/sweep_file.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <system_error>
#include <utility>

#include "core/error.h"

namespace switchyard::sweep {
namespace {

using core::ConfigItem;
using core::ConfigSetting;

constexpr std::array<std::pair<std::string_view, PlotKind>, 4> kPlotKinds = {
    {{"perplexity_vs_parameters", PlotKind::kPerplexityVsParameters},
     {"perplexity_vs_ops", PlotKind::kPerplexityVsOps},
     {"perplexity_vs_words", PlotKind::kPerplexityVsWords},
     {"throughput_vs_experts", PlotKind::kThroughputVsExperts}}};

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

std::vector<std::string> top_keys() {
  return {"title", "description", "evaluate", "extends", "base", "set",
          "point", "grid",        "search",   "plot",    "table"};
}

bool is_table(const ConfigItem& item) {
  return std::holds_alternative<std::monostate>(item.value) && item.unsupported.empty();
}

std::string given_text(const ConfigItem& item) {
  if (!item.unsupported.empty()) {
    return item.unsupported;
  }
  return is_table(item) ? "a table" : core::setting_text(item.value);
}

/// A number as it would be written: lists hold doubles, but 64 experts are an integer.
ConfigSetting number_setting(double value) {
  const bool is_whole = std::floor(value) == value && std::abs(value) < 0x1p53;
  return is_whole ? ConfigSetting(static_cast<int64_t>(value)) : ConfigSetting(value);
}

/// May a file extend another? One that is extended may not: no chains, no circles.
enum class Extension { kAllowed, kRefused };

SweepFile parse_file(const std::string& text, const std::filesystem::path& path,
                     Extension extension);

/// Goes through the items of a document and fills in a SweepFile; collects every problem.
class SweepFileReader {
 public:
  SweepFileReader(const core::ConfigDocument& document, std::filesystem::path path,
                  Extension extension)
      : document_(document), extension_(extension) {
    file_.path = std::move(path);
  }

  SweepFile read() {
    for (const ConfigItem& item : document_.items()) {
      top(item);
    }
    take_extended();
    check_whole();
    if (!problems_.empty()) {
      core::fail(core::ErrorCode::kInvalidArgument, "{}", document_.describe(std::move(problems_)));
    }
    return std::move(file_);
  }

 private:
  void problem(const ConfigItem& item, const core::ConfigSpan& span, const std::string& message) {
    core::ConfigOrigin origin = item.origin;
    if (span.line > 0) {
      origin.line = span.line;
      origin.column = span.column;
    }
    problems_.push_back({std::move(origin), span, message});
  }

  void problem_at(const core::ConfigOrigin& origin, const std::string& message) {
    problems_.push_back({origin, {origin.line, origin.column, 1}, message});
  }

  void wrong_value(const ConfigItem& item, const std::string& rule) {
    problem(item, item.value_span,
            fmt::format("'{}' must be {}, got {}", item.path, rule, given_text(item)));
  }

  void unknown(const ConfigItem& item, const std::string& name,
               const std::vector<std::string>& known) {
    const std::string nearest = core::nearest_name(name, known);
    std::string list;
    for (const std::string& one : known) {
      list += (list.empty() ? "" : ", ") + one;
    }
    const bool is_first = std::none_of(unknown_.begin(), unknown_.end(), [&](const auto& seen) {
      return item.path.starts_with(seen + ".") || item.path.starts_with(seen + "[");
    });
    if (is_first) {
      problem(item, item.key_span,
              fmt::format(
                  "unknown key '{}'{}", item.path,
                  nearest.empty() ? "; there are " + list : "; did you mean '" + nearest + "'?"));
    }
    unknown_.push_back(item.path);
  }

  void read_text(const ConfigItem& item, std::string& into) {
    const auto* text = std::get_if<std::string>(&item.value);
    if (text == nullptr || text->empty()) {
      wrong_value(item, "a text in quotes");
    } else {
      into = *text;
    }
  }

  void read_flag(const ConfigItem& item, bool& into) {
    const auto* flag = std::get_if<bool>(&item.value);
    if (flag == nullptr) {
      wrong_value(item, "true or false");
    } else {
      into = *flag;
    }
  }

  void read_path(const ConfigItem& item, std::filesystem::path& into) {
    std::string text;
    read_text(item, text);
    if (!text.empty()) {
      into = (file_.path.parent_path() / text).lexically_normal();
    }
  }

  void read_extended(const ConfigItem& item) {
    std::filesystem::path other;
    read_path(item, other);
    if (other.empty()) {
      return;  // a problem already
    }
    core::require(
        extension_ == Extension::kAllowed,
        "{}: a file that another one extends must not extend a third; extend that one directly",
        item.origin.text());
    std::error_code unreadable;
    core::require(std::filesystem::is_regular_file(other, unreadable),
                  "{}: 'extends' must name a file of experiments, counted from this file's "
                  "directory; there is none that can be read at {}",
                  item.origin.text(), other.string());
    extended_ = parse_file(core::read_config_text(other), other, Extension::kRefused);
  }

  /// The base, the settings and the points of the extended file stand before those of this one.
  void take_extended() {
    if (file_.base.empty()) {
      file_.base = std::move(extended_.base);
    }
    file_.set.insert(file_.set.begin(), extended_.set.begin(), extended_.set.end());
    file_.points.insert(file_.points.begin(), extended_.points.begin(), extended_.points.end());
  }

  void read_names(const ConfigItem& item, SeriesRequest& into) {
    const auto* names = std::get_if<std::vector<std::string>>(&item.value);
    into.origin = item.origin;
    if (names == nullptr || names->empty()) {
      wrong_value(item, "a list of names of points");
    } else {
      into.points = *names;
    }
  }

  void read_assignment(const ConfigItem& item, const std::string& key,
                       std::vector<Assignment>& into) {
    if (!item.unsupported.empty()) {
      wrong_value(item, "a value that a configuration can hold");
    } else if (!is_table(item)) {
      into.push_back({key, item.value, item.origin});
    }
  }

  void read_axis(const ConfigItem& item, const std::string& key, std::vector<Axis>& into) {
    if (is_table(item)) {
      return;  // "model" of the dotted key model.dropout
    }
    Axis axis{key, {}};
    if (const auto* numbers = std::get_if<std::vector<double>>(&item.value)) {
      for (const double value : *numbers) {
        axis.values.push_back({key, number_setting(value), item.origin});
      }
    } else if (const auto* texts = std::get_if<std::vector<std::string>>(&item.value)) {
      for (const std::string& value : *texts) {
        axis.values.push_back({key, value, item.origin});
      }
    }
    if (axis.values.empty()) {
      wrong_value(item, "a list of numbers or of texts, one run each");
    }
    into.push_back(std::move(axis));
  }

  void top(const ConfigItem& item) {
    const Step step = first_step(item.path);
    if (step.index) {
      list(item, step);
    } else if (step.name == "title" && step.rest.empty()) {
      read_text(item, file_.title);
    } else if (step.name == "description" && step.rest.empty()) {
      read_text(item, file_.description);
    } else if (step.name == "evaluate" && step.rest.empty()) {
      read_flag(item, file_.evaluate);
    } else if (step.name == "extends" && step.rest.empty()) {
      read_extended(item);
    } else if (step.name == "base" && step.rest.empty()) {
      read_path(item, file_.base);
    } else if (step.name == "set" || step.name == "grid" || step.name == "search") {
      assignments(item, step);
    } else if (step.name == "point" || step.name == "plot" || step.name == "table") {
      problem(item, item.key_span,
              fmt::format("'{}' must be a list of tables: write [[{}]]", step.name, step.name));
    } else {
      unknown(item, step.name, top_keys());
    }
  }

  void assignments(const ConfigItem& item, const Step& step) {
    if (step.rest.empty()) {
      if (!is_table(item)) {
        wrong_value(item, "a table of settings");
      }
    } else if (step.name == "set") {
      read_assignment(item, step.rest, file_.set);
    } else {
      read_axis(item, step.rest, step.name == "grid" ? file_.grid : file_.search);
    }
  }

  template <typename T>
  T& entry(std::vector<T>& list, size_t index) {
    core::require(index < kMaxEntries, "{} must hold fewer than {} tables of a kind",
                  file_.path.string(), kMaxEntries);
    list.resize(std::max(list.size(), index + 1));
    return list[index];
  }

  void list(const ConfigItem& item, const Step& step) {
    if (step.name == "point") {
      point(item, step.rest, entry(file_.points, *step.index));
    } else if (step.name == "plot") {
      plot(item, step.rest, entry(file_.plots, *step.index));
    } else if (step.name == "table") {
      table(item, step.rest, entry(file_.tables, *step.index));
    } else {
      unknown(item, step.name, top_keys());
    }
  }

  void point(const ConfigItem& item, const std::string& key, PointEntry& entry) {
    if (key.empty()) {
      entry.origin = item.origin;
    } else if (key == "name") {
      read_text(item, entry.name);
    } else if (key == "label") {
      read_text(item, entry.label);
    } else if (key == "base") {
      read_path(item, entry.base);
    } else if (key == "set") {
      if (!is_table(item)) {
        wrong_value(item, "a table: set = { \"model.dropout\" = 0.2 }");
      }
    } else if (key.starts_with("set.")) {
      read_assignment(item, key.substr(4), entry.set);
    } else {
      unknown(item, key, {"name", "label", "base", "set"});
    }
  }

  void plot(const ConfigItem& item, const std::string& key, PlotRequest& plot) {
    const Step step = first_step(key);
    if (key.empty()) {
      plot.origin = item.origin;
    } else if (key == "kind") {
      read_plot_kind(item, plot.kind);
    } else if (key == "title") {
      read_text(item, plot.title);
    } else if (key == "points") {
      plot.series.emplace_back();
      read_names(item, plot.series.back());
    } else if (step.name == "series" && step.index) {
      series(item, step.rest, entry(plot.series, *step.index));
    } else {
      unknown(item, key, {"kind", "title", "points", "series"});
    }
  }

  void series(const ConfigItem& item, const std::string& key, SeriesRequest& series) {
    if (key.empty()) {
      series.origin = item.origin;
    } else if (key == "label") {
      read_text(item, series.label);
    } else if (key == "points") {
      read_names(item, series);
    } else {
      unknown(item, key, {"label", "points"});
    }
  }

  void table(const ConfigItem& item, const std::string& key, TableRequest& table) {
    if (key == "kind") {
      if (item.value != ConfigSetting(std::string("balance"))) {
        wrong_value(item, "\"balance\"");
      }
    } else if (key == "title") {
      read_text(item, table.title);
    } else if (key == "points") {
      read_names(item, table.points);
    } else if (!key.empty()) {
      unknown(item, key, {"kind", "title", "points"});
    }
  }

  void read_plot_kind(const ConfigItem& item, PlotKind& into) {
    std::string names;
    for (const auto& [name, kind] : kPlotKinds) {
      names += (names.empty() ? "\"" : ", \"") + std::string(name) + "\"";
      if (item.value == ConfigSetting(std::string(name))) {
        into = kind;
        return;
      }
    }
    wrong_value(item, "one of " + names);
  }

  void check_plots() {
    for (size_t i = 0; i < file_.plots.size(); ++i) {
      const std::string kind = fmt::format("plot[{}].kind", i);
      const bool is_given = std::any_of(document_.items().begin(), document_.items().end(),
                                        [&](const ConfigItem& item) { return item.path == kind; });
      if (!is_given) {
        problem_at(file_.plots[i].origin, "a [[plot]] must have a kind: kind = \"" +
                                              std::string(kPlotKinds[0].first) + "\"");
      }
    }
  }

  void check_whole() {
    for (const PointEntry& point : file_.points) {
      if (point.name.empty()) {
        problem_at(point.origin, "a [[point]] must have a name: name = \"dense\"");
      }
      if (point.base.empty() && file_.base.empty()) {
        problem_at(point.origin,
                   "'base' must be given, here or for all points: the configuration "
                   "that the settings change");
      }
    }
    core::ConfigOrigin whole;
    whole.kind = core::ConfigOrigin::Kind::kFile;
    whole.source = document_.source_name();
    const bool is_empty = file_.points.empty() && file_.grid.empty() && file_.search.empty();
    if (is_empty) {
      problem_at(whole,
                 "a sweep must hold points: [[point]] entries, or lists of values in [grid] "
                 "or [search]");
    } else if (file_.points.empty() && file_.base.empty()) {
      problem_at(whole, "'base' must be given: the configuration that the settings change");
    }
    check_plots();
    check_search();
  }

  void check_search() {
    if (!file_.evaluate && !file_.search.empty() && !file_.search[0].values.empty()) {
      problem_at(file_.search[0].values[0].origin,
                 "[search] looks for the lowest perplexity, so 'evaluate' must be true");
    }
    for (const Axis& axis : file_.search) {
      for (const Axis& other : file_.grid) {
        if (axis.key == other.key && !axis.values.empty()) {
          problem_at(axis.values[0].origin, fmt::format("'{}' stands in [grid] too", axis.key));
        }
      }
    }
  }

  const core::ConfigDocument& document_;
  Extension extension_;
  SweepFile file_;
  SweepFile extended_;  // empty where none is named
  std::vector<core::ConfigProblem> problems_;
  std::vector<std::string> unknown_;
};

SweepFile parse_file(const std::string& text, const std::filesystem::path& path,
                     Extension extension) {
  const core::ConfigDocument document = core::ConfigDocument::parse(text, path.string());
  return SweepFileReader(document, path, extension).read();
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
