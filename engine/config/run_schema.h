#pragma once

#include "core/config.h"

namespace switchyard::config {

/// Whether a configuration must say where its text is; a model can be described without.
enum class DataPath { kRequired, kOptional };

/// Everything a run's configuration file may hold.
[[nodiscard]] core::ConfigSchema run_schema(DataPath data_path = DataPath::kRequired);

}  // namespace switchyard::config
