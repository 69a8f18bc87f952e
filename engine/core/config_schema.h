#pragma once

#include <string>
#include <vector>

#include "core/field.h"

namespace switchyard::core {

/// A table that belongs to a plugin: `plugin` names it, `keys` are the program's own, everything
/// else is the plugin's and is checked against the plugin's schema when the plugin is found.
/// Another component may stand inside the table: "optimizer.groups" in "optimizer".
struct ConfigComponent {
  std::string name;  // dotted: "model.moe.gate"
  bool is_list;      // [[model.moe.experts]]: any number of them
  std::string help;
  std::vector<Field> keys = {};
};

/// Everything a configuration may hold. The order is the order in which it is written.
struct ConfigSchema {
  std::vector<Field> keys;
  std::vector<ConfigComponent> components;
};

}  // namespace switchyard::core
