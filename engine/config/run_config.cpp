#include "config/run_config.h"

#include <algorithm>
#include <map>
#include <utility>

#include "config/run_keys.h"
#include "core/error.h"

namespace switchyard::config {
namespace {

/// Fills the members that `describe` lists with the settings of a checked configuration, or with
/// those of one table of a component.
class ReadKeys {
 public:
  explicit ReadKeys(const core::Config& settings, const core::ConfigTable* table = nullptr)
      : settings_(settings), table_(table) {}

  template <typename T>
  void number(const std::string& name, T& member, Range /*range*/, Resume /*resume*/,
              const char* /*help*/, Need /*need*/ = Need::kOptional) const {
    if constexpr (std::is_integral_v<T>) {
      member = static_cast<T>(value<int64_t>(name));
    } else {
      member = value<double>(name);
    }
  }

  void flag(const std::string& name, bool& member, Resume /*resume*/, const char* /*help*/) const {
    member = value<bool>(name);
  }

  void text(const std::string& name, std::string& member, Resume /*resume*/, const char* /*help*/,
            Need /*need*/ = Need::kOptional) const {
    member = value<std::string>(name);
  }

  void texts(const std::string& name, std::vector<std::string>& member, Resume /*resume*/,
             const char* /*help*/) const {
    member = value<std::vector<std::string>>(name);
  }

  template <typename T>
  void choice(const std::string& name, T& member, const Choices<T>& choices, Resume /*resume*/,
              const char* /*help*/) const {
    member = chosen(value<std::string>(name), choices);
  }

  template <typename T>
  void choices(const std::string& name, std::vector<T>& member, const Choices<T>& choices,
               Resume /*resume*/, const char* /*help*/) const {
    member.clear();
    for (const std::string& text : value<std::vector<std::string>>(name)) {
      member.push_back(chosen(text, choices));
    }
  }

  void component(const char* name, core::ComponentConfig& member, const char* /*help*/) const {
    for (const core::ConfigTable& table : settings_.tables(name)) {
      member = table.component;
    }
  }

  template <typename T>
  void components(const char* name, std::vector<T>& member, const char* /*help*/) const {
    member.clear();
    for (const core::ConfigTable& table : settings_.tables(name)) {
      T entry;
      entry.component = table.component;
      ReadKeys own(settings_, &table);
      describe(own, entry);
      member.push_back(std::move(entry));
    }
  }

 private:
  template <typename T>
  [[nodiscard]] const T& value(const std::string& name) const {
    return std::get<T>(table_ != nullptr ? table_->own.at(name) : settings_.setting(name));
  }

  /// The schema holds no text that is not among the choices.
  template <typename T>
  static T chosen(const std::string& text, const std::vector<Choice<T>>& choices) {
    return std::find_if(choices.begin(), choices.end(),
                        [&](const Choice<T>& one) { return one.text == text; })
        ->value;
  }

  const core::Config& settings_;
  const core::ConfigTable* table_;
};

bool has_layer(const models::LanguageModelConfig& model, models::LayerKind kind) {
  return std::find(model.layers.begin(), model.layers.end(), kind) != model.layers.end();
}

/// Sets what follows from several keys.
void derive(RunConfig& config) {
  trainer::TrainerConfig& trainer = config.trainer;
  trainer.schedule.total_steps = trainer.train.steps;
  auto& model = std::get<models::LanguageModelConfig>(trainer.model);
  const bool only_a_layer_can =
      model.moe.groups > 0 || has_layer(model, models::LayerKind::kRecurrentMoe);
  if (only_a_layer_can && config.settings.text("model.moe.balance.by") == "auto") {
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
  ReadKeys keys(config.settings);
  describe(keys, config);
  derive(config);
  check_together(config);
  return config;
}

}  // namespace

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
  if (config.settings.text("train.compute") == "auto") {
    config.settings = config.settings.with(
        "train.compute", std::string(tensor::name_of(config.trainer.train.compute)));
  }
  return config;
}

std::vector<std::string> structural_changes(const core::Config& before, const core::Config& next) {
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
    if (pair.first != pair.second && !may_change_on_resume(key)) {
      changes.push_back(key + ": " + shown(pair.first) + " -> " + shown(pair.second));
    }
  }
  return changes;
}

}  // namespace switchyard::config
