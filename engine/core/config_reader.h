#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"

namespace switchyard::core {

/// Checks a document against a schema key by key and collects every problem. Used by Config only.
class ConfigReader {
 public:
  struct Value {
    ConfigValue setting;
    ConfigOrigin origin;
  };

  ConfigReader(const ConfigSchema& schema, const ConfigDocument& document)
      : schema_(schema), document_(document) {}

  /// The value of one key or its default.
  [[nodiscard]] Value value(const Field& key);
  /// The tables of one component.
  [[nodiscard]] std::vector<ConfigTable> tables(const ConfigComponent& component);
  /// Looks for keys that the schema does not know, then throws if there was any problem.
  void finish();

 private:
  [[nodiscard]] const ConfigItem* find(std::string_view path) const;
  [[nodiscard]] Value checked(const Field& key, const ConfigItem& item);
  [[nodiscard]] ConfigTable table(const ConfigComponent& component, const std::string& path);
  /// Whether a setting below a component's table is one of a component inside it.
  [[nodiscard]] bool belongs_to_nested(const ConfigComponent& component,
                                       const std::string& path) const;
  void component_value(ConfigTable& table, const ConfigItem& item, const std::string& key);
  void check_component_shape(const ConfigComponent& component);
  void check_indices(const ConfigComponent& component, size_t num_tables);
  void check_known(const ConfigItem& item);
  [[nodiscard]] std::string suggestion(const std::string& path, bool is_table) const;

  const ConfigSchema& schema_;
  const ConfigDocument& document_;
  std::vector<ConfigProblem> problems_;
  std::vector<std::string> unknown_tables_;
};

}  // namespace switchyard::core
