#pragma once

#include "layers/step_memory.h"
#include "plugin_host/instance.h"

namespace switchyard::plugin_host {

/// What a training step takes for a gate, or a group of experts, that sees so many rows. Nobody
/// declares it: another instance of the component runs forward and backward on a few rows and is
/// watched. What it takes for more is a straight line through two such runs. Of a group only one
/// expert is made, so that a group of any size can be asked. CPU only.
/// Throws Error as making and running the component does.
[[nodiscard]] layers::StepMemory gate_memory(const InstanceSetup& setup, int64_t num_rows);
[[nodiscard]] layers::StepMemory experts_memory(const InstanceSetup& setup, int64_t num_rows);

}  // namespace switchyard::plugin_host
