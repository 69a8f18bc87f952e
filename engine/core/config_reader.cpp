#include "core/config_reader.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>

#include "core/error.h"

namespace switchyard::core {
namespace {

constexpr double kMaxExactInteger = 0x1p53;

/// What was given, as a message says it.
std::string given_text(const ConfigItem& item) {
  if (!item.unsupported.empty()) {
    return item.unsupported;
  }
  if (std::holds_alternative<std::monostate>(item.value)) {
    return "a table";
  }
  const std::string text = setting_text(item.value);
  return std::holds_alternative<std::string>(item.value) ? "the text " + text : text;
}

/// The setting as the type the key asks for, or nothing if it cannot be that.
std::optional<ConfigSetting> converted(ConfigType type, const ConfigSetting& value) {
  const auto* integer = std::get_if<int64_t>(&value);
  const auto* number = std::get_if<double>(&value);
  switch (type) {
    case ConfigType::kBool:
      return std::holds_alternative<bool>(value) ? std::optional(value) : std::nullopt;
    case ConfigType::kInteger:
      if (number != nullptr && std::floor(*number) == *number &&
          std::abs(*number) < kMaxExactInteger) {
        return ConfigSetting(static_cast<int64_t>(*number));  // 1e6
      }
      return integer != nullptr ? std::optional(value) : std::nullopt;
    case ConfigType::kNumber:
      if (integer != nullptr) {
        return ConfigSetting(static_cast<double>(*integer));
      }
      return number != nullptr ? std::optional(value) : std::nullopt;
    case ConfigType::kText:
      return std::holds_alternative<std::string>(value) ? std::optional(value) : std::nullopt;
    case ConfigType::kTextList:
      if (const auto* list = std::get_if<std::vector<double>>(&value); list && list->empty()) {
        return ConfigSetting(std::vector<std::string>{});  // [] is a list of anything
      }
      return std::holds_alternative<std::vector<std::string>>(value) ? std::optional(value)
                                                                     : std::nullopt;
  }
  return std::nullopt;
}

std::string listed(const std::vector<std::string>& choices) {
  std::string text;
  for (const std::string& choice : choices) {
    text += (text.empty() ? "" : ", ") + setting_text(choice);
  }
  return text;
}

std::string bound_text(double bound) {
  return std::floor(bound) == bound && std::abs(bound) < kMaxExactInteger
             ? std::to_string(static_cast<int64_t>(bound))
             : setting_text(bound);
}

std::string number_problem(const ConfigKey& key, double value) {
  if ((key.above_min ? value > key.min : value >= key.min) && value <= key.max) {
    return "";
  }
  if (key.above_min) {
    return fmt::format("must be greater than {} and at most {}", bound_text(key.min),
                       bound_text(key.max));
  }
  if (std::isinf(key.max)) {
    return std::isinf(key.min) ? "must be a number" : "must be at least " + bound_text(key.min);
  }
  return "must lie between " + bound_text(key.min) + " and " + bound_text(key.max);
}

bool lies_below(const std::string& path, const std::string& parent) {
  return path == parent || path.starts_with(parent + ".") || path.starts_with(parent + "[");
}

std::string last_part(const std::string& path) {
  const size_t dot = path.rfind('.');
  return dot == std::string::npos ? path : path.substr(dot + 1);
}

}  // namespace

void ConfigReader::problem(const ConfigItem& item, const ConfigSpan& span,
                           const std::string& message) {
  ConfigOrigin origin = item.origin;
  if (span.line > 0) {
    origin.line = span.line;
    origin.column = span.column;
  }
  problems_.push_back({std::move(origin), span, message});
}

const ConfigItem* ConfigReader::find(std::string_view path) const {
  for (const ConfigItem& item : document_.items()) {
    if (item.path == path) {
      return &item;
    }
  }
  return nullptr;
}

std::string ConfigReader::range_problem(const ConfigKey& key, const ConfigSetting& value) const {
  if (const auto* integer = std::get_if<int64_t>(&value)) {
    return number_problem(key, static_cast<double>(*integer));
  }
  if (const auto* number = std::get_if<double>(&value)) {
    return number_problem(key, *number);
  }
  const auto is_choice = [&](const std::string& text) {
    return key.choices.empty() ||
           std::find(key.choices.begin(), key.choices.end(), text) != key.choices.end();
  };
  bool fits = true;
  if (const auto* text = std::get_if<std::string>(&value)) {
    fits = is_choice(*text);
  } else if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) {
    fits = std::all_of(texts->begin(), texts->end(), is_choice);
  }
  return fits ? "" : "must be one of " + listed(key.choices);
}

ConfigReader::Value ConfigReader::checked(const ConfigKey& key, const ConfigItem& item) {
  const auto value =
      item.unsupported.empty() ? converted(key.type, item.value) : std::optional<ConfigSetting>();
  std::string rule;
  if (!value) {
    rule = fmt::format("must be {}", type_phrase(key.type));
  } else {
    rule = range_problem(key, *value);
  }
  if (rule.empty()) {
    return {*value, item.origin};
  }
  problem(item, item.value_span, fmt::format("'{}' {}, got {}", item.path, rule, given_text(item)));
  return {key.default_value, item.origin};
}

ConfigReader::Value ConfigReader::value(const ConfigKey& key) {
  if (const ConfigItem* item = find(key.name)) {
    return checked(key, *item);
  }
  if (key.required) {
    ConfigProblem missing;
    missing.origin.kind = ConfigOrigin::Kind::kFile;
    missing.origin.source = document_.source_name();
    missing.message = fmt::format("'{}' must be given: {}", key.name, key.help);
    problems_.push_back(missing);
  }
  return {key.default_value, ConfigOrigin{}};
}

void ConfigReader::component_value(ConfigTable& table, const ConfigItem& item,
                                   const std::string& key) {
  const auto store = [&](const auto& value) {
    using T = std::decay_t<decltype(value)>;
    if constexpr (std::is_constructible_v<ConfigValue, T> &&
                  !std::is_same_v<T, std::vector<std::string>>) {
      table.component.values[key] = ConfigValue(value);
      return true;
    }
    return false;
  };
  const bool stored = item.unsupported.empty() && std::visit(store, item.value);
  if (!stored) {
    problem(item, item.value_span,
            fmt::format("'{}' must be true, false, a number, a text or a list of numbers, got {}",
                        item.path, given_text(item)));
  }
  table.origins[key] = item.origin;
}

bool ConfigReader::belongs_to_nested(const ConfigComponent& component,
                                     const std::string& path) const {
  return std::any_of(
      schema_.components.begin(), schema_.components.end(), [&](const ConfigComponent& other) {
        return other.name.starts_with(component.name + ".") && lies_below(path, other.name);
      });
}

ConfigTable ConfigReader::table(const ConfigComponent& component, const std::string& path) {
  ConfigTable table;
  const ConfigItem* head = find(path);
  const ConfigItem* first = head;
  const std::string prefix = path + ".";
  for (const ConfigItem& item : document_.items()) {
    if (!item.path.starts_with(prefix) || belongs_to_nested(component, item.path)) {
      continue;
    }
    first = first != nullptr ? first : &item;
    const std::string key = item.path.substr(prefix.size());
    const bool is_own = std::any_of(component.keys.begin(), component.keys.end(),
                                    [&](const ConfigKey& own) { return own.name == key; });
    if (key == "plugin") {
      const ConfigKey plugin{"plugin", ConfigType::kText, std::string(), ""};
      table.component.plugin = std::get<std::string>(checked(plugin, item).setting);
      table.origins["plugin"] = item.origin;
    } else if (!is_own) {
      component_value(table, item, key);
    }
  }
  for (ConfigKey key : component.keys) {
    const std::string name = key.name;
    key.name = prefix + name;
    Value own = value(key);
    table.own[name] = std::move(own.setting);
    table.origins[name] = std::move(own.origin);
  }
  table.component.where = path + " (" + first->origin.text() + ")";
  if (table.component.plugin.empty() && find(prefix + "plugin") == nullptr) {
    problem(*first, first->key_span,
            fmt::format("'{}' must name its plugin: plugin = \"...\"", path));
  }
  return table;
}

void ConfigReader::check_component_shape(const ConfigComponent& component) {
  const ConfigItem* item = find(component.name);
  if (item == nullptr) {
    return;
  }
  const bool is_table =
      std::holds_alternative<std::monostate>(item->value) && item->unsupported.empty();
  if (component.is_list) {
    problem(
        *item, item->key_span,
        fmt::format("'{}' must be a list of tables: write [[{}]]", component.name, component.name));
  } else if (!is_table) {
    problem(*item, item->value_span,
            fmt::format("'{}' must be a table, got {}", component.name, given_text(*item)));
  }
}

void ConfigReader::check_indices(const ConfigComponent& component, size_t num_tables) {
  for (const ConfigItem& item : document_.items()) {
    if (!item.path.starts_with(component.name + "[")) {
      continue;
    }
    const std::string index = item.path.substr(component.name.size() + 1);
    const bool exists = std::strtoull(index.c_str(), nullptr, 10) < num_tables;
    if (!exists) {
      problem(item, item.key_span,
              fmt::format("'{}': there are only {} tables [[{}]], counted from 0", item.path,
                          num_tables, component.name));
    }
  }
}

std::vector<ConfigTable> ConfigReader::tables(const ConfigComponent& component) {
  check_component_shape(component);
  std::vector<ConfigTable> tables;
  const auto has_items = [&](const std::string& path) {
    return std::any_of(document_.items().begin(), document_.items().end(),
                       [&](const ConfigItem& item) {
                         return item.path == path || item.path.starts_with(path + ".");
                       });
  };
  if (!component.is_list) {
    if (has_items(component.name)) {
      tables.push_back(table(component, component.name));
    }
    return tables;
  }
  for (size_t i = 0; has_items(fmt::format("{}[{}]", component.name, i)); ++i) {
    tables.push_back(table(component, fmt::format("{}[{}]", component.name, i)));
  }
  check_indices(component, tables.size());
  return tables;
}

std::string ConfigReader::suggestion(const std::string& path, bool is_table) const {
  std::vector<std::string> names;
  std::vector<std::string> with_same_leaf;
  for (const ConfigKey& key : schema_.keys) {
    const size_t dot = key.name.rfind('.');
    if (is_table && dot != std::string::npos) {
      names.push_back(key.name.substr(0, dot));
    } else if (!is_table) {
      names.push_back(key.name);
      if (last_part(key.name) == last_part(path)) {
        with_same_leaf.push_back(key.name);
      }
    }
  }
  for (const ConfigComponent& component : schema_.components) {
    names.push_back(component.name);
  }
  std::string nearest = nearest_name(path, names);
  if (nearest.empty() && with_same_leaf.size() == 1) {
    nearest = with_same_leaf[0];  // the right key in the wrong table
  }
  return nearest.empty() ? "" : "; did you mean '" + nearest + "'?";
}

void ConfigReader::check_known(const ConfigItem& item) {
  const auto below = [&](const std::string& parent) { return lies_below(item.path, parent); };
  for (const ConfigComponent& component : schema_.components) {
    if (below(component.name) || component.name.starts_with(item.path + ".")) {
      return;
    }
  }
  const bool is_table =
      std::holds_alternative<std::monostate>(item.value) && item.unsupported.empty();
  for (const ConfigKey& key : schema_.keys) {
    if (item.path == key.name || (is_table && key.name.starts_with(item.path + "."))) {
      return;
    }
  }
  if (std::any_of(unknown_tables_.begin(), unknown_tables_.end(), below)) {
    return;  // said once, for the table
  }
  if (is_table) {
    unknown_tables_.push_back(item.path);
  }
  problem(item, item.key_span,
          fmt::format("unknown {}{}'{}", is_table ? "table '" : "key '", item.path,
                      suggestion(item.path, is_table)));
}

void ConfigReader::finish() {
  for (const ConfigItem& item : document_.items()) {
    check_known(item);
  }
  if (!problems_.empty()) {
    fail(ErrorCode::kInvalidArgument, "{}", document_.describe(std::move(problems_)));
  }
}

}  // namespace switchyard::core
