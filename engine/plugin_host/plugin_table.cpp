#include "plugin_host/plugin_table.h"

#include <set>
#include <utility>

#include <switchyard/component/expert.h>
#include <switchyard/component/gate.h>
#include <switchyard/component/optimizer.h>

#include "core/error.h"
#include "plugin_host/schema.h"

namespace switchyard::plugin_host {

namespace {

template <typename... Args>
void insist(bool ok, fmt::format_string<Args...> message, Args&&... args) {
  if (!ok) {
    core::fail(core::ErrorCode::kAbi, message, std::forward<Args>(args)...);
  }
}

void insist_same(const char* what, const std::string& table, const std::string& stamp) {
  insist(table == stamp, "its table says {} '{}' and its stamp '{}': build both from one text",
         what, table, stamp);
}

void check_implementation(const sy_component& component, const std::string& id) {
  switch (component.kind) {
    case SY_KIND_GATE: {
      const auto* gate = static_cast<const sy_gate_vt*>(component.impl);
      insist(SY_HAS_FN(gate, sy_gate_vt, info) && SY_HAS_FN(gate, sy_gate_vt, forward) &&
                 SY_HAS_FN(gate, sy_gate_vt, backward),
             "gate '{}' must have info, forward and backward", id);
      return;
    }
    case SY_KIND_EXPERT: {
      const auto* expert = static_cast<const sy_expert_vt*>(component.impl);
      insist(SY_HAS_FN(expert, sy_expert_vt, forward) && SY_HAS_FN(expert, sy_expert_vt, backward),
             "expert '{}' must have forward and backward", id);
      return;
    }
    case SY_KIND_OPTIMIZER: {
      const auto* optimizer = static_cast<const sy_optimizer_vt*>(component.impl);
      insist(SY_HAS_FN(optimizer, sy_optimizer_vt, plan) &&
                 SY_HAS_FN(optimizer, sy_optimizer_vt, step),
             "optimizer '{}' must have plan and step", id);
      return;
    }
    default:
      insist(false,
             "component '{}' is of an unknown kind ({}), this engine knows gate (1), expert (2) "
             "and optimizer (3)",
             id, component.kind);
  }
}

void check_component(const sy_component* component) {
  insist(SY_HAS(component, sy_component, impl), "a component's table is too short for ABI {}",
         SY_ABI_VERSION);
  const std::string id = text_or_empty(component->id);
  insist(!id.empty(), "a component has no id");
  insist(!text_or_empty(component->version).empty(), "component '{}' has no version", id);
  insist(component->create && component->destroy, "component '{}' must have create and destroy",
         id);
  insist(component->kind == SY_KIND_OPTIMIZER || component->build, "component '{}' must have build",
         id);
  insist((component->save == nullptr) == (component->load == nullptr),
         "component '{}' must have both save and load, or neither", id);
  check_implementation(*component, id);
  static_cast<void>(read_schema(*component));
}

}  // namespace

void check_table(const sy_plugin* table, const PluginIdentity& identity) {
  insist(SY_HAS(table, sy_plugin, get_extension), "its entry function gave no table of ABI {}",
         SY_ABI_VERSION);
  insist_same("id", text_or_empty(table->id), identity.id);
  insist_same("version", text_or_empty(table->version), identity.version);
  insist_same("vendor", text_or_empty(table->vendor), identity.vendor);
  insist_same("ABI", fmt::format("{}.{}", table->abi_major, table->abi_minor),
              fmt::format("{}.{}", identity.abi_major, identity.abi_minor));
  if (SY_HAS(table, sy_plugin, need_minor)) {
    insist_same("needed minor", fmt::format("{}", table->need_minor),
                fmt::format("{}", identity.need_minor));
  }
  insist(table->components != nullptr && table->components[0] != nullptr, "it offers no component");
  uint32_t kinds = 0;
  uint32_t caps = 0;
  std::set<std::string> ids;
  for (const sy_component* const* at = table->components; *at != nullptr; ++at) {
    check_component(*at);
    insist(ids.insert((*at)->id).second, "it offers the component '{}' twice", (*at)->id);
    kinds |= 1U << (*at)->kind;
    caps |= (*at)->caps;
  }
  insist_same("kinds", fmt::format("{}", kinds), fmt::format("{}", identity.kinds));
  insist_same("capabilities", fmt::format("{}", caps), fmt::format("{}", identity.caps));
}

}  // namespace switchyard::plugin_host
