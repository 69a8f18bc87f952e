#include "core/config_document.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>

#include <toml++/toml.h>

#include "core/error.h"

namespace switchyard::core {
namespace {

constexpr size_t kMaxBytes = size_t{1} << 20U;
constexpr int kMaxDepth = 32;
constexpr size_t kMaxProblems = 20;

ConfigSpan span_of(const toml::source_region& region) {
  ConfigSpan span;
  span.line = static_cast<int>(region.begin.line);
  span.column = static_cast<int>(region.begin.column);
  const bool one_line = region.end.line == region.begin.line;
  span.length = one_line ? static_cast<int>(region.end.column) - span.column : 1;
  span.length = std::max(span.length, 1);
  return span;
}

/// The array as a list of numbers or of texts; nothing if it is neither.
std::optional<ConfigValue> list_setting(const toml::array& array) {
  std::vector<double> numbers;
  std::vector<std::string> texts;
  for (const toml::node& node : array) {
    if (const auto number = node.is_number() ? node.value<double>() : std::nullopt) {
      numbers.push_back(*number);
    } else if (node.is_string()) {
      texts.push_back(*node.value<std::string>());
    } else {
      return std::nullopt;
    }
  }
  if (!numbers.empty() && !texts.empty()) {
    return std::nullopt;
  }
  return texts.empty() ? ConfigValue(numbers) : ConfigValue(texts);
}

/// Turns a TOML tree into a flat list of items.
class Flattener {
 public:
  Flattener(ConfigOrigin origin, std::vector<ConfigItem>& items)
      : origin_(std::move(origin)), items_(items) {}

  void table(const toml::table& table, const std::string& prefix, int depth) {
    require(depth < kMaxDepth, "{}: tables must not be nested deeper than {}", origin_.source,
            kMaxDepth);
    for (const auto& [key, node] : table) {
      const std::string name(key.str());
      const std::string path = prefix.empty() ? name : prefix + "." + name;
      add(path, node, span_of(key.source()), depth);
    }
  }

  void add(const std::string& path, const toml::node& node, ConfigSpan key_span, int depth) {
    ConfigItem item;
    item.path = path;
    item.origin = origin_;
    item.key_span = key_span;
    item.value_span = span_of(node.source());
    if (origin_.kind == ConfigOrigin::Kind::kFile) {
      item.origin.line = key_span.line;
      item.origin.column = key_span.column;
    }
    if (const toml::table* table_node = node.as_table()) {
      items_.push_back(item);
      table(*table_node, path, depth + 1);
    } else if (const toml::array* array = node.as_array()) {
      add_array(std::move(item), *array, depth);
    } else {
      set_scalar(item, node);
      items_.push_back(item);
    }
  }

 private:
  void add_array(ConfigItem item, const toml::array& array, int depth) {
    if (!array.empty() && array.is_homogeneous(toml::node_type::table)) {
      for (size_t i = 0; i < array.size(); ++i) {
        // The table's own place: the key's is that of the first table of the list.
        const ConfigSpan span = span_of(array[i].source());
        add(item.path + fmt::format("[{}]", i), array[i], span, depth + 1);
      }
      return;
    }
    if (auto list = list_setting(array)) {
      item.value = std::move(*list);
    } else {
      item.unsupported = "a list of mixed or nested values";
    }
    items_.push_back(std::move(item));
  }

  static void set_scalar(ConfigItem& item, const toml::node& node) {
    if (const auto* flag = node.as_boolean()) {
      item.value = flag->get();
    } else if (const auto* integer = node.as_integer()) {
      item.value = integer->get();
    } else if (const auto* number = node.as_floating_point()) {
      item.value = number->get();
    } else if (const auto* text = node.as_string()) {
      item.value = text->get();
    } else {
      item.unsupported = "a date or time";
    }
  }

  ConfigOrigin origin_;
  std::vector<ConfigItem>& items_;
};

/// The path in its canonical form: experts.0.count becomes experts[0].count.
std::string canonical_path(std::string_view path) {
  std::string result;
  size_t begin = 0;
  while (begin <= path.size()) {
    const size_t end = std::min(path.find('.', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    const bool is_index =
        !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
    if (is_index) {
      result += fmt::format("[{}]", part);
    } else {
      result += (result.empty() ? "" : ".") + std::string(part);
    }
    begin = end + 1;
  }
  return result;
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

bool lies_below(std::string_view path, std::string_view parent) {
  return path == parent || (path.size() > parent.size() && path.starts_with(parent) &&
                            (path[parent.size()] == '.' || path[parent.size()] == '['));
}

toml::table parse_override(const std::string& value) {
  try {
    toml::table table = toml::parse("value = " + value);
    if (table.size() == 1) {
      return table;
    }
  } catch (const toml::parse_error&) {  // NOLINT(bugprone-empty-catch): the fallback follows
    // Not TOML: plain text, so that --set run.name=demo needs no quotes.
  }
  return toml::table{{"value", value}};
}

ConfigProblem problem_at(const ConfigItem& item, const ConfigSpan& span, std::string message) {
  ConfigProblem problem{item.origin, span, std::move(message)};
  if (span.line > 0) {
    problem.origin.line = span.line;
    problem.origin.column = span.column;
  }
  return problem;
}

}  // namespace

std::string ConfigOrigin::text() const {
  switch (kind) {
    case Kind::kDefault:
      return "default";
    case Kind::kFile:
      return line > 0 ? fmt::format("{}:{}:{}", source, line, column) : source;
    case Kind::kSet:
      return "--set " + source;
  }
  return "";
}

CheckedValue check(const Field& field, const ConfigItem& item) {
  return item.unsupported.empty() ? check(field, item.value, item.path)
                                  : wrong_type(field, item.unsupported, item.path);
}

ConfigProblem ConfigProblem::of_key(const ConfigItem& item, std::string message) {
  return problem_at(item, item.key_span, std::move(message));
}

ConfigProblem ConfigProblem::of_value(const ConfigItem& item, std::string message) {
  return problem_at(item, item.value_span, std::move(message));
}

ConfigDocument ConfigDocument::parse(const std::string& text, std::string source_name) {
  require(text.size() <= kMaxBytes, "{}: a configuration must not be larger than {} bytes, got {}",
          source_name, kMaxBytes, text.size());
  ConfigDocument document;
  document.source_name_ = std::move(source_name);
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    document.lines_.push_back(line);
  }
  ConfigOrigin origin;
  origin.kind = ConfigOrigin::Kind::kFile;
  origin.source = document.source_name_;
  try {
    const toml::table table = toml::parse(text, document.source_name_);
    Flattener(origin, document.items_).table(table, "", 0);
  } catch (const toml::parse_error& error) {
    const ConfigSpan span = span_of(error.source());
    origin.line = span.line;
    origin.column = span.column;
    const ConfigProblem problem{origin, span, fmt::format("not TOML: {}", error.description())};
    document.refuse({problem});
  }
  // toml++ sorts tables by name; messages and lists read better in the order of the file.
  std::stable_sort(
      document.items_.begin(), document.items_.end(),
      [](const ConfigItem& a, const ConfigItem& b) { return a.key_span.line < b.key_span.line; });
  return document;
}

void ConfigDocument::set(std::string_view assignment) {
  const size_t equals = assignment.find('=');
  const std::string_view key = trimmed(assignment.substr(0, equals));
  require(equals != std::string_view::npos && !key.empty(),
          "--set needs KEY=VALUE, such as --set train.steps=1000; got '{}'", assignment);
  const std::string path = canonical_path(key);
  const std::string value(trimmed(assignment.substr(equals + 1)));
  std::erase_if(items_, [&](const ConfigItem& item) { return lies_below(item.path, path); });
  ConfigOrigin origin;
  origin.kind = ConfigOrigin::Kind::kSet;
  origin.source = std::string(assignment);
  const toml::table table = parse_override(value);
  Flattener(origin, items_).add(path, *table.get("value"), ConfigSpan{}, path.empty() ? 0 : 1);
}

void ConfigDocument::set(std::string_view key, ConfigValue value, ConfigOrigin origin) {
  ConfigItem item;
  item.path = canonical_path(trimmed(key));
  item.value = std::move(value);
  item.origin = std::move(origin);
  item.key_span.line = item.value_span.line = 0;  // its line is not one of this document
  std::erase_if(items_, [&](const ConfigItem& old) { return lies_below(old.path, item.path); });
  items_.push_back(std::move(item));
}

std::string ConfigDocument::describe_one(const ConfigProblem& problem) const {
  std::string text = problem.origin.text() + ": " + problem.message;
  const ConfigSpan& span = problem.span;
  const bool in_file = problem.origin.kind == ConfigOrigin::Kind::kFile;
  if (!in_file || span.line < 1 || static_cast<size_t>(span.line) > lines_.size()) {
    return text;
  }
  std::string line = lines_[static_cast<size_t>(span.line) - 1];
  std::replace(line.begin(), line.end(), '\t', ' ');
  const std::string number = fmt::format("{}", span.line);
  const std::string margin(std::max<size_t>(number.size(), 4), ' ');
  const auto indent = static_cast<size_t>(std::max(span.column - 1, 0));
  const auto room = line.size() > indent ? line.size() - indent : 1;
  const auto tail = std::min(static_cast<size_t>(span.length), room) - 1;
  text += "\n" + margin.substr(number.size()) + number + " | " + line;
  text += "\n" + margin + " | " + std::string(indent, ' ') + "^" + std::string(tail, '~');
  return text;
}

std::string ConfigDocument::describe(std::vector<ConfigProblem> problems) const {
  std::stable_sort(
      problems.begin(), problems.end(), [](const ConfigProblem& a, const ConfigProblem& b) {
        return std::pair(a.origin.kind, a.span.line) < std::pair(b.origin.kind, b.span.line);
      });
  std::string text;
  if (problems.size() > 1) {
    text = fmt::format("{} has {} errors", source_name_, problems.size());
  }
  for (size_t i = 0; i < std::min(problems.size(), kMaxProblems); ++i) {
    text += (text.empty() ? "" : "\n") + describe_one(problems[i]);
  }
  if (problems.size() > kMaxProblems) {
    text += fmt::format("\n... and {} more", problems.size() - kMaxProblems);
  }
  return text;
}

void ConfigDocument::refuse(const std::vector<ConfigProblem>& problems) const {
  if (!problems.empty()) {
    fail(ErrorCode::kInvalidArgument, "{}", describe(problems));
  }
}

std::string read_config_text(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) {
    fail(ErrorCode::kNotFound, "there is no configuration file {}", file.string());
  }
  std::ifstream stream(file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (!stream.good() && !stream.eof()) {
    fail(ErrorCode::kIo, "cannot read {}: {}", file.string(), std::strerror(errno));
  }
  return text;
}

}  // namespace switchyard::core
