#pragma once

#include "layers/step_memory.h"
#include "plugin_host/instance.h"

namespace switchyard::plugin_host {

/// Memory that a training step needs for a gate, or a group of experts, with this many rows. It is
/// measured: another instance of the component runs forward and backward on a few rows of zeros,
/// and for more rows a straight line through two such runs predicts it. A group is measured with a
/// single expert, so that its size does not matter. CPU only. Throws what making and running the
/// component throws.
[[nodiscard]] layers::StepMemory gate_memory(const InstanceSetup& setup, int64_t num_rows);
[[nodiscard]] layers::StepMemory experts_memory(const InstanceSetup& setup, int64_t num_rows);

}  // namespace switchyard::plugin_host
