#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/config_value.h"
#include "core/log.h"
#include "layers/moe/component_factory.h"
#include "optim/optimizer.h"
#include "plugin_host/plugin_search.h"
#include "plugin_host/schema.h"
#include "tensor/memory.h"

namespace switchyard::plugin_host {

class PluginLibrary;
struct Host;
struct InstanceSetup;

/// Where plugins come from, and what their components run on.
struct PluginOptions {
  std::vector<std::filesystem::path> directories;  // absolute; searched first, in this order
  bool use_default_directories = true;             // see default_plugin_directories()
  TrustPolicy trust = TrustPolicy::kFileAndDirectories;
  tensor::DeviceType device = tensor::DeviceType::kCpu;  // where components will run
  core::LogSink log;                                     // may be empty
};

/// A component in use, as a checkpoint records it.
struct ComponentIdentity {
  std::string instance;  // "moe.gate"; "optimizer"
  ComponentKind kind = ComponentKind::kGate;
  std::string component_id;
  std::string component_version;
  std::string plugin_id;
  std::string plugin_version;
  std::string vendor;
  std::string sha256;  // of the plugin's file
  uint32_t state_version = 0;
  std::string config;  // every setting, one line "key = value" each
};

/// Finds, loads and uses the plugins that configurations name. Nothing else is ever loaded.
///
/// `plugin = "noisy_topk"` of a gate means the first file gate_noisy_topk.syplugin.so in the
/// directories; failing that, the component of that id, or the one component of that kind in the
/// plugin of that id. Loaded plugins stay until the process ends; what the registry made may
/// outlive it. Threads: [load]; drain_metrics() is [any].
class PluginRegistry final : public layers::ComponentFactory {
 public:
  /// Throws Error(kInvalidArgument) for a relative directory.
  explicit PluginRegistry(PluginOptions options);
  ~PluginRegistry() override;
  PluginRegistry(const PluginRegistry&) = delete;
  PluginRegistry& operator=(const PluginRegistry&) = delete;

  /// Every plugin file, with its identity or the reason why it is refused. Loads none. The files
  /// are looked for once, at the first need.
  [[nodiscard]] const std::vector<PluginFile>& list();
  [[nodiscard]] const std::vector<std::filesystem::path>& directories() const;

  /// The settings of a component. Loads its plugin.
  /// Throws Error(kNotFound), naming the directories searched and similar names, if there is none;
  /// else what the search or the loading of its file found wrong.
  [[nodiscard]] ComponentSchema schema(const std::string& plugin, ComponentKind kind);
  /// Every component of one file of list(). Loads it; throws Error with the reason if it is
  /// refused.
  [[nodiscard]] std::vector<ComponentSchema> schemas(const PluginFile& file);

  /// Every setting of a component, defaults filled in.
  /// Throws Error, its text beginning with `config.where`, for a missing plugin or a wrong setting.
  [[nodiscard]] ResolvedConfig check(const core::ComponentConfig& config, ComponentKind kind);
  /// The same, with the component's own rules for that place.
  [[nodiscard]] ResolvedConfig check(const core::ComponentConfig& config, ComponentKind kind,
                                     const layers::ComponentPlace& place);

  [[nodiscard]] std::unique_ptr<layers::Gate> make_gate(const core::ComponentConfig& config,
                                                        const layers::ComponentPlace& place,
                                                        tensor::ParameterSet& parameters) override;
  [[nodiscard]] std::unique_ptr<layers::ExpertGroup> make_experts(
      const core::ComponentConfig& config, const layers::ComponentPlace& place,
      tensor::ParameterSet& parameters) override;
  /// `name` tells the optimizers of one run apart: "optimizer.groups[0]".
  [[nodiscard]] std::unique_ptr<optim::Optimizer> make_optimizer(
      const core::ComponentConfig& config, const std::string& name = "optimizer");

  /// Gives new settings to every living instance that was made for the same `wanted.where` and of
  /// the same plugin: the gates of all layers, both levels of a two-level gate where they share
  /// their settings, an optimizer. `wanted` holds all settings that differ from their defaults, not
  /// the changed ones alone. Between steps; from the next call on they hold.
  /// Throws Error, and then nothing has changed unless a component broke its word: kNotFound if
  /// there is no such instance, kInvalidArgument naming each field that may not change while
  /// training, else what the schema or the component finds wrong.
  void reconfigure(const core::ComponentConfig& wanted, ComponentKind kind);

  /// The components made so far, by instance name, in the order of creation.
  [[nodiscard]] const std::vector<ComponentIdentity>& identities_in_use() const;

  /// The newest value of each metric that components reported since the last call, as
  /// "<instance>/<name>".
  [[nodiscard]] std::vector<std::pair<std::string, float>> drain_metrics();

 private:
  struct Found;

  [[nodiscard]] Found find(const core::ComponentConfig& config, ComponentKind kind);
  [[nodiscard]] std::vector<const PluginFile*> candidates(const std::string& plugin,
                                                          ComponentKind kind);
  [[noreturn]] void fail_not_found(const core::ComponentConfig& config, ComponentKind kind);
  [[nodiscard]] std::shared_ptr<const PluginLibrary> load(const PluginFile& file);
  void require_new_components(const PluginLibrary& library) const;
  [[nodiscard]] InstanceSetup set_up(const core::ComponentConfig& config, ComponentKind kind,
                                     const layers::ComponentPlace& place);
  void note_use(const InstanceSetup& setup);

  PluginOptions options_;
  std::shared_ptr<Host> host_;
  PluginSearch search_;
  bool has_scanned_ = false;
  std::vector<PluginFile> files_;
  std::vector<std::shared_ptr<const PluginLibrary>> libraries_;  // in the order of loading
  std::vector<ComponentIdentity> in_use_;
};

}  // namespace switchyard::plugin_host
