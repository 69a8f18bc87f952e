#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <switchyard/component.h>

#include "core/field.h"
#include "plugin_host/plugin_identity.h"

namespace switchyard::plugin_host {

/// One setting of a component: `name` is its key. The other members are for forms.
struct FieldSchema : core::Field {
  double step = 0.0;
  std::string label, unit, section, enabled_if;
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
