#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/log.h"
#include "plugin_host/file_trust.h"
#include "plugin_host/plugin_identity.h"

namespace switchyard::plugin_host {

/// The end of every plugin's file name.
inline constexpr std::string_view kPluginSuffix = ".syplugin.so";

/// One plugin file that was found.
struct PluginFile {
  PluginIdentity identity;  // `path` alone where the stamp could not be read
  std::string kind;         // "gate"; "gate+expert" for several; "" where not read
  std::string name;         // file name without kind and suffix: "noisy_topk"
  std::string refusal;      // why it cannot be loaded; empty = it can
};

/// Where plugins are looked for, beside configured directories, in this order:
/// $SWITCHYARD_PLUGIN_PATH (absolute entries; not asked for in programs with raised rights),
/// $XDG_DATA_HOME/switchyard/plugins or ~/.local/share/switchyard/plugins, and
/// lib/switchyard/plugins of the tree that the running program or this library lies in. Relative
/// entries are left out, and `log` says so.
[[nodiscard]] std::vector<std::filesystem::path> default_plugin_directories(
    const core::LogSink& log);

/// Finds plugin files. Never loads one.
class PluginSearch {
 public:
  /// Directories in order of preference; those that do not exist are skipped.
  /// Throws Error(kInvalidArgument) for a relative one.
  PluginSearch(const std::vector<std::filesystem::path>& directories, TrustPolicy trust);

  [[nodiscard]] const std::vector<std::filesystem::path>& directories() const {
    return directories_;
  }

  /// Every *.syplugin.so directly in the directories, in their order and then by name. Of files
  /// with equal content the first is given; files of one id and different content are all refused.
  [[nodiscard]] std::vector<PluginFile> scan() const;

  /// "/a, /b", for messages.
  [[nodiscard]] std::string directories_text() const;

 private:
  [[nodiscard]] PluginFile inspect(const std::filesystem::path& path) const;

  std::vector<std::filesystem::path> directories_;
  TrustPolicy trust_;
  std::filesystem::path program_;
};

}  // namespace switchyard::plugin_host
