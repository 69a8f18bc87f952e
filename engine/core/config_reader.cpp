#include "core/config_reader.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "core/nearest_name.h"

namespace switchyard::core {
namespace {

bool lies_below(const std::string& path, const std::string& parent) {
  return path == parent || path.starts_with(parent + ".") || path.starts_with(parent + "[");
}

}  // namespace

const ConfigItem* ConfigReader::find(std::string_view path) const {
  for (const ConfigItem& item : document_.items()) {
    if (item.path == path) {
      return &item;
    }
  }
  return nullptr;
}

ConfigReader::Value ConfigReader::checked(const Field& key, const ConfigItem& item) {
  CheckedValue checked = check(key, item);
  if (!checked.problem.empty()) {
    problems_.push_back(ConfigProblem::of_value(item, std::move(checked.problem)));
  }
  return {std::move(checked.value), item.origin};
}

ConfigReader::Value ConfigReader::value(const Field& key) {
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
  const bool fits = item.unsupported.empty() && !item.is_table() &&
                    !std::holds_alternative<std::vector<std::string>>(item.value);
  if (fits) {
    table.component.values[key] = item.value;
  } else {
    problems_.push_back(ConfigProblem::of_value(
        item, fmt::format("'{}' must be true, false, a number, a text or a list of numbers, got {}",
                          item.path, item.given())));
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
                                    [&](const Field& own) { return own.name == key; });
    if (key == "plugin") {
      const Field plugin{"plugin", FieldType::kText, std::string(), ""};
      table.component.plugin = std::get<std::string>(checked(plugin, item).setting);
      table.origins["plugin"] = item.origin;
    } else if (!is_own) {
      component_value(table, item, key);
    }
  }
  for (Field key : component.keys) {
    const std::string name = key.name;
    key.name = prefix + name;
    Value own = value(key);
    table.own[name] = std::move(own.setting);
    table.origins[name] = std::move(own.origin);
  }
  table.component.where = path + " (" + first->origin.text() + ")";
  if (table.component.plugin.empty() && find(prefix + "plugin") == nullptr) {
    problems_.push_back(ConfigProblem::of_key(
        *first, fmt::format("'{}' must name its plugin: plugin = \"...\"", path)));
  }
  return table;
}

void ConfigReader::check_component_shape(const ConfigComponent& component) {
  const ConfigItem* item = find(component.name);
  if (item == nullptr) {
    return;
  }
  if (component.is_list) {
    problems_.push_back(
        ConfigProblem::of_key(*item, fmt::format("'{}' must be a list of tables: write [[{}]]",
                                                 component.name, component.name)));
  } else if (!item->is_table()) {
    problems_.push_back(ConfigProblem::of_value(
        *item, fmt::format("'{}' must be a table, got {}", component.name, item->given())));
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
      problems_.push_back(ConfigProblem::of_key(
          item, fmt::format("'{}': there are only {} tables [[{}]], counted from 0", item.path,
                            num_tables, component.name)));
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
  for (const Field& key : schema_.keys) {
    const size_t dot = key.name.rfind('.');
    if (!is_table) {
      names.push_back(key.name);
    } else if (dot != std::string::npos) {
      names.push_back(key.name.substr(0, dot));
    }
  }
  for (const ConfigComponent& component : schema_.components) {
    names.push_back(component.name);
  }
  const std::string near = did_you_mean(path, names);
  const size_t dot = path.rfind('.');
  // Failing that, the right key in the wrong table.
  return near.empty() && dot != std::string::npos ? did_you_mean(path.substr(dot), names) : near;
}

void ConfigReader::check_known(const ConfigItem& item) {
  const auto below = [&](const std::string& parent) { return lies_below(item.path, parent); };
  for (const ConfigComponent& component : schema_.components) {
    if (below(component.name) || component.name.starts_with(item.path + ".")) {
      return;
    }
  }
  const bool is_table = item.is_table();
  for (const Field& key : schema_.keys) {
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
  problems_.push_back(
      ConfigProblem::of_key(item, fmt::format("unknown {} '{}'{}", is_table ? "table" : "key",
                                              item.path, suggestion(item.path, is_table))));
}

void ConfigReader::finish() {
  for (const ConfigItem& item : document_.items()) {
    check_known(item);
  }
  document_.refuse(problems_);
}

}  // namespace switchyard::core
