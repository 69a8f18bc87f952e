#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/config_document.h"
#include "core/config_schema.h"
#include "core/config_value.h"

namespace switchyard::core {

/// One table of a component after checking.
struct ConfigTable {
  ComponentConfig component;
  std::map<std::string, ConfigValue> own;       // the program's keys, defaults filled in
  std::map<std::string, ConfigOrigin> origins;  // of "plugin", of own and of the component's keys
};

/// A checked configuration: every key of the schema has a value of its type. Copyable, immutable.
class Config {
 public:
  /// The configuration of a schema without keys.
  Config() = default;
  /// Checks the document against the schema and fills in defaults. Throws Error(kInvalidArgument)
  /// that names every problem at once.
  Config(const ConfigSchema& schema, const ConfigDocument& document);

  /// Parses a text, applies overrides "a.b=c" in their order and checks the result; `source_name`
  /// stands for the file in messages.
  static Config from_text(const ConfigSchema& schema, const std::string& text,
                          std::string source_name, const std::vector<std::string>& overrides);

  /// The value of a key of the schema (Error(kInternal) if there is no such key).
  [[nodiscard]] const ConfigValue& setting(std::string_view name) const;
  /// The tables of a component of the schema: none, one, or for a list any number.
  [[nodiscard]] const std::vector<ConfigTable>& tables(std::string_view name) const;

  /// A copy with another value for one key of the schema. The value is not checked.
  [[nodiscard]] Config with(std::string_view name, ConfigValue value) const;

  /// The whole configuration as TOML in the schema's order; reads back as an equal one.
  [[nodiscard]] std::string to_toml() const;

  /// One line of `config show`.
  struct Line {
    std::string key;
    std::string value;
    std::string origin;
  };
  /// Every setting with its origin, in the schema's order.
  [[nodiscard]] std::vector<Line> lines() const;

 private:
  struct Entry {
    std::string name;
    ConfigValue value;
    ConfigOrigin origin;
  };
  struct Group {
    std::string name;
    bool is_list = false;
    std::vector<ConfigTable> tables;
  };

  [[nodiscard]] const Entry& entry(std::string_view name) const;

  std::vector<Entry> entries_;
  std::vector<Group> groups_;
};

}  // namespace switchyard::core
