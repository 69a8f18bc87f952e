#pragma once

#include <memory>

#include <switchyard/plugin.h>

#include "plugin_host/host.h"
#include "plugin_host/plugin_identity.h"

namespace switchyard::plugin_host {

/// A plugin's code in this process. Once accepted it stays mapped until the process ends, because
/// threads, exceptions and destructors may still lead into it; a refused file is unmapped again.
/// The only user of Boost.DLL. Threads: [load].
class PluginLibrary {
 public:
  /// Loads the file that `identity` was read from and runs its entry function and its init().
  /// Throws Error naming the file: kAbi if it cannot be linked, lacks the entry symbol, or says
  /// something else than its stamp; kState if it changed since it was read or does not leave the
  /// process alone; else the status that the plugin gave.
  PluginLibrary(PluginIdentity identity, std::shared_ptr<const Host> host);
  /// Calls the plugin's shutdown(). Every instance must be gone.
  ~PluginLibrary();
  PluginLibrary(const PluginLibrary&) = delete;
  PluginLibrary& operator=(const PluginLibrary&) = delete;

  [[nodiscard]] const PluginIdentity& identity() const { return identity_; }
  [[nodiscard]] const sy_plugin& table() const { return *table_; }
  [[nodiscard]] const Host& host() const { return *host_; }

 private:
  PluginIdentity identity_;
  std::shared_ptr<const Host> host_;
  std::shared_ptr<void> library_;
  const sy_plugin* table_ = nullptr;
};

}  // namespace switchyard::plugin_host
