#include "plugin_host/plugin_table.h"

#include <set>

#include <switchyard/component/expert.h>
#include <switchyard/component/gate.h>
#include <switchyard/component/optimizer.h>

#include "core/error.h"
#include "plugin_host/schema.h"

namespace switchyard::plugin_host {

namespace {

template <typename... Parts>
void insist(bool ok, const Parts&... parts) {
  if (!ok) {
    core::fail(core::ErrorCode::kAbi, "{}", parts...);
  }
}

void insist_same(const char* what, const std::string& table, const std::string& stamp) {
  insist(table == stamp, "its table says ", what, " '", table, "' and its stamp '", stamp,
         "': build both from one text");
}

void check_implementation(const sy_component& component, const std::string& id) {
  switch (component.kind) {
    case SY_KIND_GATE: {
      const auto* gate = static_cast<const sy_gate_vt*>(component.impl);
      insist(SY_HAS_FN(gate, sy_gate_vt, info) && SY_HAS_FN(gate, sy_gate_vt, forward) &&
                 SY_HAS_FN(gate, sy_gate_vt, backward),
             "gate '", id, "' must have info, forward and backward");
      return;
    }
    case SY_KIND_EXPERT: {
      const auto* expert = static_cast<const sy_expert_vt*>(component.impl);
      insist(SY_HAS_FN(expert, sy_expert_vt, forward) && SY_HAS_FN(expert, sy_expert_vt, backward),
             "expert '", id, "' must have forward and backward");
      return;
    }
    case SY_KIND_OPTIMIZER: {
      const auto* optimizer = static_cast<const sy_optimizer_vt*>(component.impl);
      insist(SY_HAS_FN(optimizer, sy_optimizer_vt, plan) &&
                 SY_HAS_FN(optimizer, sy_optimizer_vt, step),
             "optimizer '", id, "' must have plan and step");
      return;
    }
    default:
      insist(false, "component '", id, "' is of an unknown kind (", component.kind,
             "), this engine knows gate (1), expert (2) and optimizer (3)");
  }
}

void check_component(const sy_component* component) {
  insist(SY_HAS(component, sy_component, impl), "a component's table is too short for ABI ",
         SY_ABI_MAJOR, ".", SY_ABI_MINOR);
  const std::string id = text_or_empty(component->id);
  insist(!id.empty(), "a component has no id");
  insist(!text_or_empty(component->version).empty(), "component '", id, "' has no version");
  insist(component->create && component->destroy, "component '", id,
         "' must have create and destroy");
  insist(component->kind == SY_KIND_OPTIMIZER || component->build, "component '", id,
         "' must have build");
  insist((component->save == nullptr) == (component->load == nullptr), "component '", id,
         "' must have both save and load, or neither");
  check_implementation(*component, id);
  static_cast<void>(read_schema(*component));
}

}  // namespace

void check_table(const sy_plugin* table, const PluginIdentity& identity) {
  insist(SY_HAS(table, sy_plugin, get_extension), "its entry function gave no table of ABI ",
         SY_ABI_MAJOR, ".", SY_ABI_MINOR);
  insist_same("id", text_or_empty(table->id), identity.id);
  insist_same("version", text_or_empty(table->version), identity.version);
  insist_same("vendor", text_or_empty(table->vendor), identity.vendor);
  insist_same("ABI", fmt::format("{}.{}", table->abi_major, table->abi_minor),
              fmt::format("{}.{}", identity.abi_major, identity.abi_minor));
  insist(table->components != nullptr && table->components[0] != nullptr, "it offers no component");
  uint32_t kinds = 0;
  uint32_t caps = 0;
  std::set<std::string> ids;
  for (const sy_component* const* at = table->components; *at != nullptr; ++at) {
    check_component(*at);
    insist(ids.insert((*at)->id).second, "it offers the component '", (*at)->id, "' twice");
    kinds |= 1U << (*at)->kind;
    caps |= (*at)->caps;
  }
  insist_same("kinds", std::to_string(kinds), std::to_string(identity.kinds));
  insist_same("capabilities", std::to_string(caps), std::to_string(identity.caps));
}

}  // namespace switchyard::plugin_host
