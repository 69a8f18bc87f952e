#pragma once

#include <string_view>

#include "core/config_schema.h"

namespace switchyard::config {

/// Whether a configuration must say where its text is; a model can be described without.
enum class DataPath { kRequired, kOptional };

/// Everything that a run's configuration file may hold, with defaults; made of the list in
/// run_keys.h.
[[nodiscard]] core::ConfigSchema run_schema(DataPath data_path = DataPath::kRequired);

/// Whether a resumed run may give the setting of that name another value: the same parameters then
/// go on being trained on the same text. Settings of plugins may not change.
[[nodiscard]] bool may_change_on_resume(std::string_view key);

}  // namespace switchyard::config
