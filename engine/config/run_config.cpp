#include "config/run_config.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "config/run_keys.h"
#include "core/error.h"

namespace switchyard::config {
namespace {

bool has_layer(const models::LanguageModelConfig& model, models::LayerKind kind) {
  return std::find(model.layers.begin(), model.layers.end(), kind) != model.layers.end();
}

bool is_auto(const RunConfig& config, std::string_view key) {
  return config.settings.setting(key) == core::ConfigValue(std::string("auto"));
}

/// Sets what follows from several keys.
void derive(RunConfig& config) {
  trainer::TrainerConfig& trainer = config.trainer;
  trainer.schedule.total_steps = trainer.train.steps;
  auto& model = std::get<models::LanguageModelConfig>(trainer.model);
  const bool only_a_layer_can =
      model.moe.groups > 0 || has_layer(model, models::LayerKind::kRecurrentMoe);
  if (only_a_layer_can && is_auto(config, "model.moe.balance.by")) {
    model.moe.balance.by = models::BalanceBy::kTokens;
  }
}

void check_groups(const core::Config& settings, const models::MoeConfig& moe) {
  const bool has_gate = !moe.gate.plugin.empty();
  if (moe.groups == 0) {
    core::require(settings.tables("model.moe.secondary_gate").empty(),
                  "[model.moe.secondary_gate] is the gate within a group, and there are none: set "
                  "'model.moe.groups' or leave the table out");
    return;
  }
  core::require(has_gate, "'model.moe.groups' = {} needs a gate: add a table [model.moe.gate]",
                moe.groups);
  int64_t experts = 0;
  for (const models::ExpertGroupConfig& group : moe.experts) {
    experts += group.count;
  }
  core::require(
      experts % moe.groups == 0,
      "'model.moe.groups' must divide the number of experts, got {} groups for {} experts",
      moe.groups, experts);
}

void check_balance(const models::LanguageModelConfig& model) {
  const models::BalanceConfig& balance = model.moe.balance;
  if (balance.by != models::BalanceBy::kGate) {
    return;  // weights in a gate's table are found where the gate is made
  }
  core::require(model.moe.groups == 0,
                "'model.moe.balance.by' = \"gate\" cannot balance all experts of two levels: use "
                "\"tokens\" or \"compute\"");
  core::require(!has_layer(model, models::LayerKind::kRecurrentMoe),
                "'model.moe.balance.by' = \"gate\" cannot balance all steps of a recurrent layer: "
                "use \"tokens\" or \"compute\"");
  const models::BalanceConfig unset;
  const auto check_weight = [](const char* key, double weight, double default_weight) {
    core::require(weight == default_weight,
                  "'{}' has no effect where the gate asks for balance itself: set it in "
                  "[model.moe.gate], or 'model.moe.balance.by' to \"tokens\" or \"compute\"",
                  key);
  };
  check_weight("model.moe.balance.w_importance", balance.w_importance, unset.w_importance);
  check_weight("model.moe.balance.w_load", balance.w_load, unset.w_load);
}

void check_layers(const models::LanguageModelConfig& model) {
  core::require(!model.layers.empty(), "'model.layers' must name at least one layer, got []");
  const auto needs_experts = [&](models::LayerKind kind, const char* name) {
    core::require(!has_layer(model, kind) || !model.moe.experts.empty(),
                  "'model.layers' has a \"{}\" layer, so there must be experts: add a table\n  "
                  "[[model.moe.experts]]\n  plugin = \"ffn\"\n  count = 8",
                  name);
  };
  needs_experts(models::LayerKind::kMoe, "moe");
  needs_experts(models::LayerKind::kRecurrentMoe, "recurrent_moe");
}

void check_optimizers(const RunConfig& config) {
  core::require(!config.settings.tables("optimizer").empty(),
                "an optimizer must be given: add a table\n  [optimizer]\n  plugin = \"adam\"");
  for (const trainer::OptimizerGroupConfig& group : config.trainer.optimizer_groups) {
    core::require(!group.selection.roles.empty() || !group.selection.match.empty(),
                  "{}: a group must say which parameters it takes: add roles = [\"expert\"] or "
                  "match = \"layers.*.experts*\"",
                  group.component.where);
  }
}

/// Checks what no key can say alone.
void check_together(const RunConfig& config) {
  const trainer::TrainerConfig& trainer = config.trainer;
  const auto& model = std::get<models::LanguageModelConfig>(trainer.model);
  check_layers(model);
  core::require(trainer.schedule.kind != optim::ScheduleKind::kPlateau ||
                    trainer.train.evaluate_every_steps > 0,
                "'schedule.kind' is \"plateau\", which follows the evaluations: set "
                "train.evaluate_every_steps, for example to the steps of an epoch");
  check_groups(config.settings, model.moe);
  check_balance(model);
  check_optimizers(config);
}

RunConfig run_config_of(core::Config settings) {
  RunConfig config;
  config.settings = std::move(settings);
  const RunKeys keys = run_keys(config);
  for (const RunKey& key : keys.keys) {
    key.set(config.settings.setting(key.field.name));
  }
  for (const RunTable& table : keys.tables) {
    table.set(config.settings.tables(table.component.name));
  }
  derive(config);
  check_together(config);
  return config;
}

}  // namespace

core::ConfigSchema run_schema(DataPath data_path) {
  RunConfig defaults;
  core::ConfigSchema schema;
  RunKeys keys = run_keys(defaults);
  for (RunKey& key : keys.keys) {
    if (key.field.name == "data.path") {
      key.field.required = data_path == DataPath::kRequired;
    }
    schema.keys.push_back(std::move(key.field));
  }
  for (RunTable& table : keys.tables) {
    schema.components.push_back(std::move(table.component));
  }
  return schema;
}

RunConfig parse_run_config(const std::string& text, std::string source_name,
                           const std::vector<std::string>& overrides, DataPath data_path) {
  return run_config_of(
      core::Config::from_text(run_schema(data_path), text, std::move(source_name), overrides));
}

RunConfig load_run_config(const std::filesystem::path& file,
                          const std::vector<std::string>& overrides, DataPath data_path) {
  return parse_run_config(core::read_config_text(file), file.string(), overrides, data_path);
}

RunConfig check_run_config(const core::ConfigDocument& document, DataPath data_path) {
  return run_config_of(core::Config(run_schema(data_path), document));
}

RunConfig settled(RunConfig config) {
  const auto absolute = [](const std::string& path) {
    return std::filesystem::absolute(path).lexically_normal().string();
  };
  std::string& data = config.trainer.data.path;
  if (!data.empty() && std::filesystem::path(data).is_relative()) {
    data = absolute(data);
    config.settings = config.settings.with("data.path", data);
  }
  for (std::string& directory : config.plugin_directories) {
    directory = absolute(directory);
  }
  config.settings = config.settings.with("plugins.directories", config.plugin_directories);
  if (is_auto(config, "train.compute")) {
    config.settings = config.settings.with(
        "train.compute", std::string(tensor::name_of(config.trainer.train.compute)));
  }
  return config;
}

std::vector<std::string> structural_changes(const core::Config& before, const core::Config& next) {
  std::set<std::string> free;
  RunConfig defaults;
  for (const RunKey& key : run_keys(defaults).keys) {
    if (key.resume == Resume::kFree) {
      free.insert(key.field.name);
    }
  }
  std::map<std::string, std::pair<std::string, std::string>> values;
  for (const core::Config::Line& line : before.lines()) {
    values[line.key].first = line.value;
  }
  for (const core::Config::Line& line : next.lines()) {
    values[line.key].second = line.value;
  }
  const auto shown = [](const std::string& value) { return value.empty() ? "nothing" : value; };
  std::vector<std::string> changes;
  for (const auto& [key, pair] : values) {
    if (pair.first != pair.second && !free.contains(key)) {
      changes.push_back(fmt::format("{}: {} -> {}", key, shown(pair.first), shown(pair.second)));
    }
  }
  return changes;
}

}  // namespace switchyard::config
