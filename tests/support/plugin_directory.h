#pragma once

#include "plugin_host/plugin_registry.h"

namespace switchyard::tests {

/// The plugins of this build, without regard to the owners of the folders above the build tree.
inline plugin_host::PluginOptions built_plugins() {
  return {.directories = {SWITCHYARD_PLUGIN_DIRECTORY},
          .use_default_directories = false,
          .trust = plugin_host::TrustPolicy::kAnything};
}

}  // namespace switchyard::tests
