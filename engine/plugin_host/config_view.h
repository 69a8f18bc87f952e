#pragma once

#include <switchyard/config.h>

#include "plugin_host/schema.h"

namespace switchyard::plugin_host {

/// Resolved values as a plugin reads them. `values` must outlive it.
struct ConfigView : sy_config {
  explicit ConfigView(const ResolvedConfig& resolved);

  const ResolvedConfig* values;
};

}  // namespace switchyard::plugin_host
