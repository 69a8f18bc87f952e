#pragma once

#include <string>

#include <switchyard/plugin.h>

#include "plugin_host/plugin_identity.h"

namespace switchyard::plugin_host {

/// Checks what a loaded plugin says of itself: the same as its stamp, every required function
/// present, kinds known, ids unique, schemas sound.
/// Throws Error(kAbi) with what is wrong.
void check_table(const sy_plugin* table, const PluginIdentity& identity);

/// A text of the other side, which may be null.
[[nodiscard]] inline std::string text_or_empty(const char* text) {
  return text == nullptr ? "" : text;
}

}  // namespace switchyard::plugin_host
