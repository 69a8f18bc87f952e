#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <switchyard/component.h>

#include "core/config_value.h"
#include "plugin_host/plugin_identity.h"

namespace switchyard::plugin_host {

/// The type of a field; the values are those of SY_T_*.
enum class FieldType : uint32_t { kBool, kInt, kFloat, kString, kChoice, kIntList, kFloatList };

/// "a whole number", "a list of numbers": as messages name a type.
[[nodiscard]] std::string_view name_of(FieldType type);

/// One setting of a component.
struct FieldSchema {
  std::string key;
  FieldType type = FieldType::kBool;
  core::ConfigValue default_value;
  bool has_range = false;  // then `min` and `max` bound the number, or every entry of the list
  double min = 0.0;
  double max = 0.0;
  double step = 0.0;
  std::vector<std::string> choices;
  std::string label, help, unit, section, enabled_if;
  uint32_t flags = 0;  // SY_FF_*
};

/// A component as its plugin describes it.
struct ComponentSchema {
  ComponentKind kind = ComponentKind::kGate;
  std::string id, label, version, summary;
  uint32_t state_version = 0;
  uint32_t caps = 0;  // SY_CAP_*
  std::vector<FieldSchema> fields;
};

/// The values of a component's settings, every key of its schema present.
using ResolvedConfig = std::map<std::string, core::ConfigValue>;

/// Copies a component's schema. Throws Error(kAbi) if it contradicts itself: a key twice, a default
/// out of range, a choice without choices.
[[nodiscard]] ComponentSchema read_schema(const sy_component& component);

/// Defaults filled in, given values checked and brought to the field's type.
/// Throws Error(kInvalidArgument), naming `config.where`, for an unknown key (with the nearest
/// known one), a value of another type, or one out of range.
[[nodiscard]] ResolvedConfig resolve(const ComponentSchema& schema,
                                     const core::ComponentConfig& config);

/// One line "key = value" for each setting, in the order of their keys; numbers read back exactly.
[[nodiscard]] std::string text_of(const ResolvedConfig& config);
[[nodiscard]] std::string text_of(const core::ConfigValue& value);

}  // namespace switchyard::plugin_host
