#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace switchyard::core {

/// One value of a configuration. std::monostate stands for a table, which has no value.
using ConfigValue = std::variant<std::monostate, bool, int64_t, double, std::string,
                                 std::vector<double>, std::vector<std::string>>;

/// The value as TOML: the shortest text that reads back as the same value. A table gives "".
[[nodiscard]] std::string setting_text(const ConfigValue& value);

/// A component as a configuration names it: which plugin, with which values. Keys that are not
/// given get the default of the plugin's schema.
struct ComponentConfig {
  std::string plugin;  // short name ("noisy_topk") or component id ("org.example.gate.hash")
  std::map<std::string, ConfigValue> values;
  std::string where;  // for messages: "model.moe.gate (demo.toml:12)"
};

}  // namespace switchyard::core
