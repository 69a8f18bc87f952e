#include "trainer/snapshot.h"

#include <algorithm>
#include <utility>

#include "core/version.h"
#include "trainer/component_states.h"
#include "trainer/make_optimizer.h"

namespace switchyard::trainer {

using checkpoint::NamedTensor;

std::vector<NamedTensor> Snapshot::model_tensors() {
  std::vector<NamedTensor> tensors;
  for (const tensor::Parameter& parameter : learner_.parameters().all()) {
    tensors.push_back({.name = parameter.name, .tensor = parameter.value});
  }
  return tensors;
}

std::vector<NamedTensor> Snapshot::optimizer_tensors() {
  std::vector<NamedTensor> tensors;
  for (const optim::StateTensor* state : learner_.optimizer().state()) {
    tensors.push_back({.name = state->name, .tensor = state->value});
  }
  return tensors;
}

std::vector<NamedTensor> Snapshot::carried_tensors() {
  std::vector<NamedTensor> tensors;
  for (const layers::RecurrentState& state : learner_.state()) {
    tensors.push_back({.name = state.name + ".h", .tensor = state.h});
    tensors.push_back({.name = state.name + ".c", .tensor = state.c});
  }
  return tensors;
}

std::vector<checkpoint::PluginIdentity> Snapshot::plugins_in_use() const {
  std::vector<checkpoint::PluginIdentity> plugins;
  for (const plugin_host::ComponentIdentity& used : plugins_.identities_in_use()) {
    plugins.push_back({.kind = std::string(plugin_host::name_of(used.kind)),
                       .id = used.component_id,
                       .version = used.component_version,
                       .sha256 = used.sha256});
  }
  return plugins;
}

checkpoint::CheckpointContents Snapshot::contents(int64_t step, TrainerState state,
                                                  std::string config_toml) {
  const ComponentStates components = ComponentStates::saved_by(learner_.opaque_states());
  state.components = components.records();
  std::vector<NamedTensor> carried = carried_tensors();
  carried.insert(carried.end(), components.tensors().begin(), components.tensors().end());
  return {.step = step,
          .config_toml = std::move(config_toml),
          .state_json = state.to_json(),
          .model = model_tensors(),
          .optimizer = optimizer_tensors(),
          .state = std::move(carried),
          .plugins = plugins_in_use(),
          .data_hash = dataset_.data_hash(),
          .vocabulary_hash = dataset_.manifest().vocabulary_sha256,
          .engine_version = core::kVersion};
}

void Snapshot::check_data(const checkpoint::CheckpointReader& reader) const {
  core::require(reader.manifest().data_hash == dataset_.data_hash(),
                "the checkpoint {} was trained on other data: its data hash is {}, that of {} is "
                "{}; set data.path to the data set of the run",
                reader.directory().string(), reader.manifest().data_hash,
                dataset_.directory().string(), dataset_.data_hash());
}

void Snapshot::check_plugins(const checkpoint::CheckpointReader& reader) const {
  const std::vector<checkpoint::PluginIdentity> now = plugins_in_use();
  for (const checkpoint::PluginIdentity& then : reader.manifest().plugins) {
    if (!learner_.has_optimizer() &&
        then.kind == plugin_host::name_of(plugin_host::ComponentKind::kOptimizer)) {
      continue;
    }
    const auto same_id = std::find_if(now.begin(), now.end(), [&](const auto& p) {
      return p.kind == then.kind && p.id == then.id;
    });
    core::require(same_id != now.end(),
                  "the checkpoint was made with the {} '{}', the configuration names another one",
                  then.kind, then.id);
    if (same_id->sha256 != then.sha256) {
      listener_.on_event(
          reader.step(), core::LogLevel::kWarning, "plugin_changed",
          fmt::format("{} '{}' {} of the checkpoint is another file than today's {}: "
                      "the run may not continue bit for bit",
                      then.kind, then.id, then.version, same_id->version));
    }
  }
}

// The state of components and the state carried between batches share one file.
void Snapshot::restore_state(const checkpoint::CheckpointReader& reader,
                             const TrainerState& state) {
  std::vector<ComponentRecord> records = state.components;
  if (!learner_.has_optimizer()) {
    std::erase_if(records, [](const ComponentRecord& r) { return is_of_optimizer(r.name); });
  }
  const checkpoint::SafetensorsFile& file = reader.file(checkpoint::Part::kState);
  const ComponentStates components = ComponentStates::to_read(std::move(records), file.entries());
  if (learner_.has_optimizer()) {
    std::vector<NamedTensor> wanted = carried_tensors();
    wanted.insert(wanted.end(), components.tensors().begin(), components.tensors().end());
    reader.read_into(checkpoint::Part::kState, wanted);
  } else {
    for (const NamedTensor& named : components.tensors()) {
      tensor::Tensor bytes = named.tensor;
      file.read(*file.find(named.name), bytes);
    }
  }
  for (const std::string& name : components.load_into(learner_.opaque_states())) {
    listener_.on_event(reader.step(), core::LogLevel::kWarning, "component_state_missing",
                       name +
                           " keeps state outside of tensors, of which the checkpoint has none: "
                           "the run may not continue bit for bit");
  }
}

TrainerState Snapshot::restore(const checkpoint::CheckpointReader& reader) {
  check_data(reader);
  check_plugins(reader);
  reader.read_into(checkpoint::Part::kModel, model_tensors());
  if (learner_.has_optimizer()) {
    reader.read_into(checkpoint::Part::kOptimizer, optimizer_tensors());
  }
  TrainerState state = TrainerState::from_json(reader.state_json());
  restore_state(reader, state);
  return state;
}

}  // namespace switchyard::trainer
