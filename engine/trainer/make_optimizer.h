#pragma once

#include <memory>
#include <string_view>

#include "optim/optimizer.h"
#include "plugin_host/plugin_registry.h"
#include "trainer/trainer_config.h"

namespace switchyard::trainer {

/// The optimizer of a run: the plugin that the configuration names or, if it has groups, one made
/// of a plugin for each. Throws Error as PluginRegistry::make_optimizer() does.
[[nodiscard]] std::unique_ptr<optim::Optimizer> make_optimizer(
    const TrainerConfig& config, plugin_host::PluginRegistry& plugins);

/// Whether a component of that instance name is an optimizer, or a part of one.
[[nodiscard]] bool is_of_optimizer(std::string_view name);

}  // namespace switchyard::trainer
