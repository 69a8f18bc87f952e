#include "core/config.h"

#include <algorithm>

#include "core/config_reader.h"
#include "core/error.h"

namespace switchyard::core {
namespace {

std::string table_of(const std::string& name) {
  const size_t dot = name.rfind('.');
  return dot == std::string::npos ? "" : name.substr(0, dot);
}

std::string leaf_of(const std::string& name) {
  const size_t dot = name.rfind('.');
  return dot == std::string::npos ? name : name.substr(dot + 1);
}

/// The settings of a component's table in the order in which they are written.
std::vector<std::pair<std::string, std::string>> table_settings(const ConfigTable& table) {
  std::vector<std::pair<std::string, std::string>> settings;
  settings.emplace_back("plugin", setting_text(table.component.plugin));
  for (const auto& [key, value] : table.own) {
    settings.emplace_back(key, setting_text(value));
  }
  for (const auto& [key, value] : table.component.values) {
    settings.emplace_back(key, setting_text(value));
  }
  return settings;
}

}  // namespace

Config::Config(const ConfigSchema& schema, const ConfigDocument& document) {
  ConfigReader reader(schema, document);
  for (const Field& key : schema.keys) {
    ConfigReader::Value value = reader.value(key);
    entries_.push_back({key.name, std::move(value.setting), std::move(value.origin)});
  }
  for (const ConfigComponent& component : schema.components) {
    groups_.push_back({component.name, component.is_list, reader.tables(component)});
  }
  reader.finish();
}

Config Config::from_text(const ConfigSchema& schema, const std::string& text,
                         std::string source_name, const std::vector<std::string>& overrides) {
  ConfigDocument document = ConfigDocument::parse(text, std::move(source_name));
  for (const std::string& assignment : overrides) {
    document.set(assignment);
  }
  return Config(schema, document);
}

const Config::Entry& Config::entry(std::string_view name) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.name == name; });
  if (found == entries_.end()) {
    fail(ErrorCode::kInternal, "Config: the schema has no key '{}'", name);
  }
  return *found;
}

const ConfigValue& Config::setting(std::string_view name) const {
  return entry(name).value;
}

const std::vector<ConfigTable>& Config::tables(std::string_view name) const {
  const auto found = std::find_if(groups_.begin(), groups_.end(),
                                  [&](const Group& group) { return group.name == name; });
  if (found == groups_.end()) {
    fail(ErrorCode::kInternal, "Config: the schema has no component '{}'", name);
  }
  return found->tables;
}

Config Config::with(std::string_view name, ConfigValue value) const {
  Config copy = *this;
  const auto at = &entry(name) - entries_.data();
  copy.entries_[static_cast<size_t>(at)].value = std::move(value);
  return copy;
}

std::string Config::to_toml() const {
  std::string text;
  std::string table;
  for (const Entry& entry : entries_) {
    const std::string its_table = table_of(entry.name);
    if (its_table != table) {
      text += (text.empty() ? "[" : "\n[") + its_table + "]\n";
      table = its_table;
    }
    text += leaf_of(entry.name) + " = " + setting_text(entry.value) + "\n";
  }
  for (const Group& group : groups_) {
    for (const ConfigTable& one : group.tables) {
      text += group.is_list ? "\n[[" + group.name + "]]\n" : "\n[" + group.name + "]\n";
      for (const auto& [key, value] : table_settings(one)) {
        text += key + " = " + value + "\n";
      }
    }
  }
  return text;
}

std::vector<Config::Line> Config::lines() const {
  std::vector<Line> lines;
  for (const Entry& entry : entries_) {
    lines.push_back({entry.name, setting_text(entry.value), entry.origin.text()});
  }
  for (const Group& group : groups_) {
    for (size_t i = 0; i < group.tables.size(); ++i) {
      const std::string prefix =
          group.is_list ? fmt::format("{}[{}].", group.name, i) : group.name + ".";
      for (const auto& [key, value] : table_settings(group.tables[i])) {
        const auto origin = group.tables[i].origins.find(key);
        const bool known = origin != group.tables[i].origins.end();
        lines.push_back({prefix + key, value, known ? origin->second.text() : "default"});
      }
    }
  }
  return lines;
}

}  // namespace switchyard::core
