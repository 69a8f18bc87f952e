#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace switchyard::core {

/// One setting of a configuration file. std::monostate stands for a table, which has no value.
using ConfigSetting = std::variant<std::monostate, bool, int64_t, double, std::string,
                                   std::vector<double>, std::vector<std::string>>;

enum class ConfigType { kBool, kInteger, kNumber, kText, kTextList };

/// One key that a program knows: its type, default, range and meaning.
struct ConfigKey {
  std::string name;  // dotted: "train.steps"; inside a component's table: "count"
  ConfigType type = ConfigType::kText;
  ConfigSetting default_value;
  std::string help;
  double min = -std::numeric_limits<double>::infinity();  // of numbers, inclusive
  double max = std::numeric_limits<double>::infinity();
  std::vector<std::string> choices = {};  // of texts and of each entry of a list; empty = any
  bool required = false;                  // must be given; the default only shows the type
  bool above_min = false;                 // the value must be greater than `min`
};

/// A table that belongs to a plugin: `plugin` names it, `keys` are the program's own, everything
/// else is the plugin's and is checked against the plugin's schema by whoever loads it. Another
/// component may stand inside the table: "optimizer.groups" in "optimizer".
struct ConfigComponent {
  std::string name;  // dotted: "model.moe.gate"
  bool is_list;      // [[model.moe.experts]]: any number of them
  std::string help;
  std::vector<ConfigKey> keys = {};
};

/// Everything a configuration may hold. The order is the order in which it is written.
struct ConfigSchema {
  std::vector<ConfigKey> keys;
  std::vector<ConfigComponent> components;
};

/// "an integer", for messages.
[[nodiscard]] std::string_view type_phrase(ConfigType type);

/// The setting as TOML: shortest text that reads back as the same value. A table gives "".
[[nodiscard]] std::string setting_text(const ConfigSetting& value);

/// The candidate nearest to `name`, counted in inserted, deleted, replaced and swapped letters, or
/// "" if none is near enough to be a slip (2 letters, 1 for names shorter than 5).
[[nodiscard]] std::string nearest_name(std::string_view name,
                                       const std::vector<std::string>& candidates);

}  // namespace switchyard::core
