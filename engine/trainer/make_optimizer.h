#pragma once

#include <memory>
#include <string_view>

#include "optim/optimizer.h"
#include "plugin_host/plugin_registry.h"
#include "trainer/trainer_config.h"

namespace switchyard::trainer {

/// The optimizer of a run: the plugin that the configuration names or, with groups, a
/// GroupedOptimizer with a plugin for each. Throws what PluginRegistry::make_optimizer() throws.
[[nodiscard]] std::unique_ptr<optim::Optimizer> make_optimizer(
    const TrainerConfig& config, plugin_host::PluginRegistry& plugins);

/// Whether the component with this instance name is an optimizer or part of one.
[[nodiscard]] bool is_of_optimizer(std::string_view name);

}  // namespace switchyard::trainer
