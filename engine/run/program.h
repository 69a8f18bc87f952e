#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/log.h"
#include "plugin_host/plugin_registry.h"

namespace switchyard::run {

/// The version of this program.
[[nodiscard]] std::string program_version();

/// The places to look for plugins: the configured directories, then the program's own.
[[nodiscard]] plugin_host::PluginOptions plugin_options(const std::vector<std::string>& configured,
                                                        core::LogSink log);

/// The name of a machine and the identity of its current boot.
struct MachineIdentity {
  std::string host;
  std::string boot_id;
};
/// The identity of this machine.
[[nodiscard]] MachineIdentity machine_identity();

}  // namespace switchyard::run
