#pragma once

#include "layers/step_memory.h"
#include "plugin_host/instance.h"

namespace switchyard::plugin_host {

/// Memory that a training step needs for a gate, or a group of experts, with this many rows. It is
/// measured: another instance of the component runs forward and backward on a few rows of zeros.
/// For more rows, a straight line through two such runs predicts it. Of a group only one expert is
/// made, so that a group of any size can be measured. CPU only. Throws Error as making and running
/// the component does.
[[nodiscard]] layers::StepMemory gate_memory(const InstanceSetup& setup, int64_t num_rows);
[[nodiscard]] layers::StepMemory experts_memory(const InstanceSetup& setup, int64_t num_rows);

}  // namespace switchyard::plugin_host
