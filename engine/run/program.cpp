#include "run/program.h"

#include <array>
#include <fstream>
#include <unistd.h>
#include <utility>

#include "core/version.h"

namespace switchyard::run {

std::string program_version() {
  return core::kVersion;
}

plugin_host::PluginOptions plugin_options(const std::vector<std::string>& configured,
                                          core::LogSink log) {
  plugin_host::PluginOptions options;
  options.directories.assign(configured.begin(), configured.end());
  options.log = std::move(log);
  return options;
}

MachineIdentity machine_identity() {
  MachineIdentity identity;
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) == 0) {
    identity.host = name.data();
  }
  std::ifstream("/proc/sys/kernel/random/boot_id") >> identity.boot_id;
  return identity;
}

}  // namespace switchyard::run
