#include "config/run_config.h"

#include <map>
#include <set>
#include <utility>

#include "config/language_model.h"
#include "config/run_keys.h"
#include "core/error.h"

namespace switchyard::config {
namespace {

/// Sets what follows from several keys.
void derive(RunConfig& config) {
  config.trainer.schedule.total_steps = config.trainer.train.steps;
  derive_language_model(config);
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
  check_language_model(config);
  core::require(trainer.schedule.kind != optim::ScheduleKind::kPlateau ||
                    trainer.train.evaluate_every_steps > 0,
                "'schedule.kind' is \"plateau\", which follows the evaluations: set "
                "train.evaluate_every_steps, for example to the steps of an epoch");
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

bool is_auto(const RunConfig& config, std::string_view key) {
  return config.settings.setting(key) == core::ConfigValue(std::string("auto"));
}

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
