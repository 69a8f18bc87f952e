#include "plugin_host/plugin_registry.h"

#include <algorithm>

#include "core/error.h"
#include "core/nearest_name.h"
#include "plugin_host/name_list.h"
#include "plugin_host/plugin_expert_group.h"
#include "plugin_host/plugin_gate.h"
#include "plugin_host/plugin_library.h"
#include "plugin_host/plugin_optimizer.h"
#include "plugin_host/tensor_view.h"

namespace switchyard::plugin_host {

namespace {

using core::ErrorCode;
using core::fail;

std::vector<std::filesystem::path> all_directories(const PluginOptions& options) {
  std::vector<std::filesystem::path> directories = options.directories;
  if (options.use_default_directories) {
    const auto defaults = default_plugin_directories(options.log);
    directories.insert(directories.end(), defaults.begin(), defaults.end());
  }
  return directories;
}

bool offers(const PluginFile& file, ComponentKind kind) {
  return (file.identity.kinds >> static_cast<uint32_t>(kind) & 1U) != 0;
}

sy_layer_info layer_of(const layers::ComponentPlace& place, tensor::DeviceType device) {
  sy_layer_info info{};
  info.struct_size = sizeof(sy_layer_info);
  info.layer = place.layer;
  info.d_in = place.d_in;
  info.d_out = place.d_out;
  info.n_experts = place.num_experts;
  info.first_expert = place.first_expert;
  info.n_local = place.num_local;
  info.device_type = static_cast<int32_t>(device);
  info.max_tokens = place.max_tokens;
  info.param = sy_dtype_of(tensor::DType::kF32);
  info.compute = sy_dtype_of(tensor::DType::kF32);
  info.balance = place.balanced_by_caller ? SY_BALANCE_HOST : SY_BALANCE_GATE;
  return info;
}

std::string prefix_of(const core::ComponentConfig& config) {
  return config.where.empty() ? "" : config.where + ": ";
}

// The component that `plugin` means in a loaded plugin, or null; `ids` gets those of that kind.
const sy_component* choose(const PluginLibrary& library, const std::string& plugin,
                           ComponentKind kind, std::vector<std::string>& ids) {
  std::vector<const sy_component*> of_kind;
  for (const sy_component* const* at = library.table().components; *at != nullptr; ++at) {
    if ((*at)->kind != static_cast<uint32_t>(kind)) {
      continue;
    }
    if (plugin == (*at)->id) {
      return *at;
    }
    of_kind.push_back(*at);
    ids.emplace_back((*at)->id);
  }
  for (const sy_component* component : of_kind) {
    if (std::string_view(component->id).ends_with("." + plugin)) {
      return component;
    }
  }
  // A longer id than the plugin's own names another component of it, which is not there.
  const bool names_another = plugin.starts_with(library.identity().id + ".");
  return of_kind.size() == 1 && !names_another ? of_kind.front() : nullptr;
}

}  // namespace

struct PluginRegistry::Found {
  std::shared_ptr<const PluginLibrary> library;
  const sy_component* component = nullptr;
};

PluginRegistry::PluginRegistry(PluginOptions options)
    : options_(std::move(options)),
      host_(std::make_shared<Host>(options_.log, options_.device)),
      search_(all_directories(options_), options_.trust) {
}

PluginRegistry::~PluginRegistry() {
  while (!libraries_.empty()) {
    libraries_.pop_back();
  }
}

const std::vector<PluginFile>& PluginRegistry::list() {
  if (!has_scanned_) {
    files_ = search_.scan();
    has_scanned_ = true;
  }
  return files_;
}

const std::vector<std::filesystem::path>& PluginRegistry::directories() const {
  return search_.directories();
}

ComponentSchema PluginRegistry::schema(const std::string& plugin, ComponentKind kind) {
  return read_schema(*find({.plugin = plugin, .values = {}, .where = ""}, kind).component);
}

std::vector<ComponentSchema> PluginRegistry::schemas(const PluginFile& file) {
  const std::shared_ptr<const PluginLibrary> library = load(file);
  std::vector<ComponentSchema> schemas;
  for (const sy_component* const* at = library->table().components; *at != nullptr; ++at) {
    schemas.push_back(read_schema(**at));
  }
  return schemas;
}

ResolvedConfig PluginRegistry::check(const core::ComponentConfig& config, ComponentKind kind) {
  return resolve(read_schema(*find(config, kind).component), config);
}

ResolvedConfig PluginRegistry::check(const core::ComponentConfig& config, ComponentKind kind,
                                     const layers::ComponentPlace& place) {
  const InstanceSetup setup = set_up(config, kind, place);
  check_with_component(setup);
  return setup.config;
}

std::unique_ptr<layers::Gate> PluginRegistry::make_gate(const core::ComponentConfig& config,
                                                        const layers::ComponentPlace& place,
                                                        tensor::ParameterSet& parameters) {
  const InstanceSetup setup = set_up(config, ComponentKind::kGate, place);
  auto gate = std::make_unique<PluginGate>(setup, parameters);
  note_use(setup);
  return gate;
}

std::unique_ptr<layers::ExpertGroup> PluginRegistry::make_experts(
    const core::ComponentConfig& config, const layers::ComponentPlace& place,
    tensor::ParameterSet& parameters) {
  const InstanceSetup setup = set_up(config, ComponentKind::kExpert, place);
  auto experts = std::make_unique<PluginExpertGroup>(setup, parameters);
  note_use(setup);
  return experts;
}

std::unique_ptr<optim::Optimizer> PluginRegistry::make_optimizer(
    const core::ComponentConfig& config, const std::string& name) {
  layers::ComponentPlace place;
  place.name = name;
  const InstanceSetup setup = set_up(config, ComponentKind::kOptimizer, place);
  auto optimizer = std::make_unique<PluginOptimizer>(setup);
  note_use(setup);
  return optimizer;
}

void PluginRegistry::reconfigure(const core::ComponentConfig& wanted, ComponentKind kind) {
  const sy_component* component = find(wanted, kind).component;
  const ResolvedConfig config = resolve(read_schema(*component), wanted);
  std::vector<ComponentInstance*> chosen;
  for (ComponentInstance* instance : host_->instances) {
    if (instance->setup().component == component && instance->setup().where == wanted.where) {
      chosen.push_back(instance);
    }
  }
  if (chosen.empty()) {
    fail(ErrorCode::kNotFound, "{}no {} '{}' was made from these settings", prefix_of(wanted),
         name_of(kind), wanted.plugin);
  }
  for (const ComponentInstance* instance : chosen) {
    instance->require_live(config);
  }
  for (ComponentInstance* instance : chosen) {
    instance->reconfigure(config);
    note_use(instance->setup());
  }
}

const std::vector<ComponentIdentity>& PluginRegistry::identities_in_use() const {
  return in_use_;
}

std::vector<std::pair<std::string, float>> PluginRegistry::drain_metrics() {
  return host_->metrics.drain();
}

PluginRegistry::Found PluginRegistry::find(const core::ComponentConfig& config,
                                           ComponentKind kind) {
  const std::string prefix = prefix_of(config);
  core::require(!config.plugin.empty(),
                "{}no {} is named: set plugin = \"NAME\" (`switchyard plugins` lists them)", prefix,
                name_of(kind));
  const std::vector<const PluginFile*> files = candidates(config.plugin, kind);
  if (files.empty()) {
    fail_not_found(config, kind);
  }
  std::vector<std::string> ids;
  for (const PluginFile* file : files) {
    try {
      Found found;
      found.library = load(*file);
      found.component = choose(*found.library, config.plugin, kind, ids);
      if (found.component != nullptr) {
        return found;
      }
    } catch (const core::Error& caught) {
      fail(caught.code(), "{}{}", prefix, caught.what());
    }
  }
  std::string offered;
  for (const std::string& id : ids) {
    append_name(offered, id);
  }
  fail(ErrorCode::kNotFound, "{}{} holds no {} '{}'; it holds {}", prefix,
       files.front()->identity.path.string(), name_of(kind), config.plugin,
       offered.empty() ? "none" : offered);
}

// By file name, failing that by id. Files that can be loaded come before refused ones, so that a
// refusal is reported only if no other file would do.
std::vector<const PluginFile*> PluginRegistry::candidates(const std::string& plugin,
                                                          ComponentKind kind) {
  const std::string file_name = name_of(kind) + "_" + plugin + std::string(kPluginSuffix);
  std::vector<const PluginFile*> by_name;
  std::vector<const PluginFile*> by_id;
  for (const bool refused : {false, true}) {
    for (const PluginFile& file : list()) {
      const std::string& id = file.identity.id;
      if (refused == file.refusal.empty()) {
        continue;
      }
      if (file.identity.path.filename() == file_name) {
        by_name.push_back(&file);
      } else if (!id.empty() && (plugin == id || plugin.starts_with(id + ".")) &&
                 (refused || offers(file, kind))) {
        by_id.push_back(&file);
      }
    }
  }
  if (by_name.empty()) {
    return by_id;
  }
  return {by_name.front()};
}

void PluginRegistry::fail_not_found(const core::ComponentConfig& config, ComponentKind kind) {
  std::vector<std::string> names;
  std::string other_kinds;
  for (const PluginFile& file : list()) {
    if (offers(file, kind)) {
      names.push_back(file.name);
      names.push_back(file.identity.id);
    } else if (file.name == config.plugin && !file.kind.empty()) {
      other_kinds += fmt::format("\n  note: '{}' is of another kind ({}): {}", file.name, file.kind,
                                 file.identity.path.string());
    }
  }
  std::string similar;
  for (const std::string& name : core::similar_names(config.plugin, names)) {
    append_name(similar, "'" + name + "'");
  }
  fail(ErrorCode::kNotFound,
       "{}there is no {} plugin '{}': no file {}_{}{} and no component of that id\n  searched: "
       "{}\n  similar: {}{}\n  `switchyard plugins` lists what is there and what is refused; "
       "plugins.directories in the configuration and SWITCHYARD_PLUGIN_PATH name more directories",
       prefix_of(config), name_of(kind), config.plugin, name_of(kind), config.plugin, kPluginSuffix,
       search_.directories_text(), similar.empty() ? "none" : similar, other_kinds);
}

std::shared_ptr<const PluginLibrary> PluginRegistry::load(const PluginFile& file) {
  if (!file.refusal.empty()) {
    fail(ErrorCode::kAbi, "{}", file.refusal);
  }
  for (const auto& library : libraries_) {
    if (library->identity().path == file.identity.path) {
      return library;
    }
  }
  auto library = std::make_shared<const PluginLibrary>(file.identity, host_);
  require_new_components(*library);
  libraries_.push_back(library);
  if (options_.log) {
    options_.log(
        core::LogLevel::kInfo, "plugins",
        fmt::format("loaded '{}' {} from {} (sha256 {})", file.identity.id, file.identity.version,
                    file.identity.path.string(), file.identity.sha256.substr(0, 12)));
  }
  return library;
}

void PluginRegistry::require_new_components(const PluginLibrary& library) const {
  for (const sy_component* const* at = library.table().components; *at != nullptr; ++at) {
    for (const auto& other : libraries_) {
      for (const sy_component* const* theirs = other->table().components; *theirs != nullptr;
           ++theirs) {
        if (std::string_view((*at)->id) == (*theirs)->id) {
          fail(ErrorCode::kAbi,
               "{}: refused: its component '{}' is also offered by {}: remove one of them",
               library.identity().path.string(), (*at)->id, other->identity().path.string());
        }
      }
    }
  }
}

InstanceSetup PluginRegistry::set_up(const core::ComponentConfig& config, ComponentKind kind,
                                     const layers::ComponentPlace& place) {
  core::ComponentConfig named = config;
  if (named.where.empty()) {
    named.where = place.name;
  }
  Found found = find(named, kind);
  InstanceSetup setup;
  setup.config = resolve(read_schema(*found.component), named);
  setup.library = std::move(found.library);
  setup.component = found.component;
  setup.name = place.name;
  setup.where = named.where;
  setup.layer = layer_of(place, options_.device);
  return setup;
}

void PluginRegistry::note_use(const InstanceSetup& setup) {
  const PluginIdentity& plugin = setup.library->identity();
  ComponentIdentity identity = {.instance = setup.name,
                                .kind = static_cast<ComponentKind>(setup.component->kind),
                                .component_id = setup.component->id,
                                .component_version = setup.component->version,
                                .plugin_id = plugin.id,
                                .plugin_version = plugin.version,
                                .vendor = plugin.vendor,
                                .sha256 = plugin.sha256,
                                .state_version = setup.component->state_version,
                                .config = text_of(setup.config)};
  for (ComponentIdentity& known : in_use_) {
    if (known.instance == identity.instance) {
      known = std::move(identity);
      return;
    }
  }
  in_use_.push_back(std::move(identity));
}

}  // namespace switchyard::plugin_host
