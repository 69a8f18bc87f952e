#include "config/run_config.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "core/error.h"
#include "ops/linalg/multiplier.h"

namespace switchyard::config {
namespace {

tensor::DType compute_type(const std::string& name) {
  if (name == "auto") {
    return ops::linalg::fastest_compute();
  }
  return name == "bf16" ? tensor::DType::kBf16 : tensor::DType::kF32;
}

layers::ExpertMemory expert_memory_config(const core::Config& settings) {
  layers::ExpertMemory memory;
  const bool is_bf16 = settings.text("model.moe.weights") == "bf16";
  memory.weights = is_bf16 ? tensor::DType::kBf16 : tensor::DType::kF32;
  memory.update_in_backward = settings.flag("model.moe.update_in_backward");
  memory.experts_at_once = settings.integer("model.moe.experts_at_once");
  return memory;
}

std::vector<models::LayerKind> layer_kinds(const std::vector<std::string>& names) {
  std::vector<models::LayerKind> kinds;
  kinds.reserve(names.size());
  for (const std::string& name : names) {
    kinds.push_back(name == "moe"             ? models::LayerKind::kMoe
                    : name == "recurrent_moe" ? models::LayerKind::kRecurrentMoe
                                              : models::LayerKind::kLstm);
  }
  return kinds;
}

bool has_layer(const core::Config& settings, const std::string& kind) {
  const auto& layers = settings.texts("model.layers");
  return std::find(layers.begin(), layers.end(), kind) != layers.end();
}

trainer::DataConfig data_config(const core::Config& settings) {
  trainer::DataConfig data;
  data.path = settings.text("data.path");
  data.batch_size = settings.integer("data.batch_size");
  data.sequence_length = settings.integer("data.sequence_length");
  data.shuffle = settings.flag("data.shuffle");
  data.reset_state = settings.flag("data.reset_state");
  return data;
}

models::BalanceConfig balance_config(const core::Config& settings) {
  const std::string& by = settings.text("model.moe.balance.by");
  const bool only_a_layer_can =
      settings.integer("model.moe.groups") > 0 || has_layer(settings, "recurrent_moe");
  models::BalanceConfig balance;
  if (by == "compute") {
    balance.by = models::BalanceBy::kCompute;
  } else if (by == "tokens" || (by == "auto" && only_a_layer_can)) {
    balance.by = models::BalanceBy::kTokens;
  }
  balance.w_importance = settings.number("model.moe.balance.w_importance");
  balance.w_load = settings.number("model.moe.balance.w_load");
  return balance;
}

models::MoeConfig moe_config(const core::Config& settings) {
  models::MoeConfig moe;
  for (const core::ConfigTable& table : settings.tables("model.moe.gate")) {
    moe.gate = table.component;
  }
  for (const core::ConfigTable& table : settings.tables("model.moe.secondary_gate")) {
    moe.secondary_gate = table.component;
  }
  for (const core::ConfigTable& table : settings.tables("model.moe.experts")) {
    moe.experts.push_back({table.component, std::get<int64_t>(table.own.at("count"))});
  }
  moe.groups = settings.integer("model.moe.groups");
  moe.balance = balance_config(settings);
  moe.memory = expert_memory_config(settings);
  return moe;
}

models::SoftmaxConfig softmax_config(const core::Config& settings) {
  models::SoftmaxConfig softmax;
  softmax.sampled = settings.integer("model.softmax.sampled");
  softmax.sampler = settings.text("model.softmax.sampler") == "unigram"
                        ? layers::Proposal::kUnigram
                        : layers::Proposal::kLogUniform;
  softmax.unigram_power = settings.number("model.softmax.unigram_power");
  softmax.tied = settings.flag("model.softmax.tied");
  return softmax;
}

models::LanguageModelConfig model_config(const core::Config& settings) {
  models::LanguageModelConfig model;
  model.d_model = settings.integer("model.d_model");
  model.dropout = settings.number("model.dropout");
  model.residual = settings.flag("model.residual");
  model.layers = layer_kinds(settings.texts("model.layers"));
  model.vocab_size = settings.integer("model.vocabulary_size");
  model.init_scale = settings.number("model.init_scale");
  model.init_range = settings.number("model.init_range");
  model.lstm = {.units = settings.integer("model.lstm.units"),
                .projection = settings.integer("model.lstm.projection"),
                .forget_bias = settings.number("model.lstm.forget_bias"),
                .init_range = settings.number("model.lstm.init_range")};
  model.recurrent_moe.segment = settings.integer("model.recurrent_moe.segment");
  model.embedding.sparse_gradient = settings.flag("model.embedding.sparse_gradient");
  model.moe = moe_config(settings);
  model.moe_output = settings.text("model.moe.output") == "identity"
                         ? ops::nn::OutputActivation::kIdentity
                         : ops::nn::OutputActivation::kSigmoid;
  model.softmax = softmax_config(settings);
  return model;
}

optim::ScheduleKind schedule_kind(const std::string& name) {
  if (name == "plateau") {
    return optim::ScheduleKind::kPlateau;
  }
  return name == "constant" ? optim::ScheduleKind::kConstant : optim::ScheduleKind::kInverseSqrt;
}

optim::Schedule schedule_config(const core::Config& settings) {
  optim::Schedule schedule;
  schedule.kind = schedule_kind(settings.text("schedule.kind"));
  schedule.base = settings.number("schedule.learning_rate");
  schedule.warmup_steps = settings.integer("schedule.warmup_steps");
  schedule.hold_steps = settings.integer("schedule.hold_steps");
  schedule.decay_steps = settings.integer("schedule.decay_steps");
  schedule.total_steps = settings.integer("train.steps");
  schedule.plateau_factor = settings.number("schedule.plateau_factor");
  return schedule;
}

trainer::LoopConfig loop_config(const core::Config& settings) {
  trainer::LoopConfig loop;
  loop.steps = settings.integer("train.steps");
  loop.seed = static_cast<uint64_t>(settings.integer("train.seed"));
  loop.clip_norm = settings.number("train.clip_norm");
  loop.log_every_steps = settings.integer("train.log_every_steps");
  loop.expert_stats_every_steps = settings.integer("train.expert_stats_every_steps");
  loop.evaluate_every_steps = settings.integer("train.evaluate_every_steps");
  loop.evaluate_max_words = settings.integer("train.evaluate_max_words");
  loop.on_nonfinite = settings.text("train.on_nonfinite") == "stop"
                          ? trainer::NonfinitePolicy::kStop
                          : trainer::NonfinitePolicy::kSkipStep;
  loop.threads = static_cast<int>(settings.integer("train.threads"));
  loop.compute = compute_type(settings.text("train.compute"));
  return loop;
}

trainer::CheckpointConfig checkpoint_config(const core::Config& settings) {
  trainer::CheckpointConfig checkpoint;
  checkpoint.every_steps = settings.integer("checkpoint.every_steps");
  checkpoint.at_start = settings.flag("checkpoint.at_start");
  checkpoint.keep_last = settings.integer("checkpoint.keep_last");
  checkpoint.keep_best = settings.flag("checkpoint.keep_best");
  return checkpoint;
}

std::vector<trainer::OptimizerGroupConfig> optimizer_groups(const core::Config& settings) {
  std::vector<trainer::OptimizerGroupConfig> groups;
  for (const core::ConfigTable& table : settings.tables("optimizer.groups")) {
    trainer::OptimizerGroupConfig group;
    group.component = table.component;
    for (const std::string& role : std::get<std::vector<std::string>>(table.own.at("roles"))) {
      group.selection.roles.push_back(tensor::role_of(role).value());
    }
    group.selection.match = std::get<std::string>(table.own.at("match"));
    group.learning_rate_scale = std::get<double>(table.own.at("learning_rate_scale"));
    core::require(!group.selection.roles.empty() || !group.selection.match.empty(),
                  "{}: a group must say which parameters it takes: add roles = [\"expert\"] or "
                  "match = \"layers.*.experts*\"",
                  table.component.where);
    groups.push_back(std::move(group));
  }
  return groups;
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

void check_balance(const core::Config& settings, const models::MoeConfig& moe) {
  if (moe.balance.by != models::BalanceBy::kGate) {
    return;  // weights in a gate's table are found where the gate is made
  }
  core::require(moe.groups == 0,
                "'model.moe.balance.by' = \"gate\" cannot balance all experts of two levels: use "
                "\"tokens\" or \"compute\"");
  core::require(!has_layer(settings, "recurrent_moe"),
                "'model.moe.balance.by' = \"gate\" cannot balance all steps of a recurrent layer: "
                "use \"tokens\" or \"compute\"");
  const models::BalanceConfig unset;
  for (const char* key : {"model.moe.balance.w_importance", "model.moe.balance.w_load"}) {
    core::require(settings.number(key) == unset.w_load,
                  "'{}' has no effect where the gate asks for balance itself: set it in "
                  "[model.moe.gate], or 'model.moe.balance.by' to \"tokens\" or \"compute\"",
                  key);
  }
}

/// What no key can say alone.
void check_together(const core::Config& settings) {
  core::require(!settings.texts("model.layers").empty(),
                "'model.layers' must name at least one layer, got []");
  for (const char* kind : {"moe", "recurrent_moe"}) {
    core::require(!has_layer(settings, kind) || !settings.tables("model.moe.experts").empty(),
                  "'model.layers' has a \"{}\" layer, so there must be experts: add a table\n  "
                  "[[model.moe.experts]]\n  plugin = \"ffn\"\n  count = 8",
                  kind);
  }
  core::require(settings.text("schedule.kind") != "plateau" ||
                    settings.integer("train.evaluate_every_steps") > 0,
                "'schedule.kind' is \"plateau\", which follows the evaluations: set "
                "train.evaluate_every_steps, for example to the steps of an epoch");
  const models::MoeConfig moe = moe_config(settings);
  check_groups(settings, moe);
  check_balance(settings, moe);
  core::require(!settings.tables("optimizer").empty(),
                "an optimizer must be given: add a table\n  [optimizer]\n  plugin = \"adam\"");
}

RunConfig run_config_of(core::Config settings) {
  check_together(settings);
  trainer::TrainerConfig trainer;
  trainer.data = data_config(settings);
  trainer.model = model_config(settings);
  trainer.optimizer = settings.tables("optimizer")[0].component;
  trainer.optimizer_groups = optimizer_groups(settings);
  trainer.schedule = schedule_config(settings);
  trainer.train = loop_config(settings);
  trainer.checkpoint = checkpoint_config(settings);
  std::string name = settings.text("run.name");
  std::vector<std::string> directories = settings.texts("plugins.directories");
  return {std::move(settings), std::move(trainer), std::move(name), std::move(directories)};
}

/// Settings under which the same parameters go on being trained on the same text.
bool may_change_on_resume(const std::string& key) {
  static constexpr std::array kFree = {"run.",
                                       "plugins.",
                                       "checkpoint.",
                                       "train.steps",
                                       "train.log_every_steps",
                                       "train.expert_stats_every_steps",
                                       "train.evaluate_every_steps",
                                       "train.evaluate_max_words",
                                       "train.on_nonfinite",
                                       "train.threads",
                                       "train.clip_norm",
                                       "schedule.",
                                       "data.path"};
  return std::any_of(kFree.begin(), kFree.end(),
                     [&](const char* prefix) { return key.starts_with(prefix); });
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

std::vector<std::string> with_settled_values(const RunConfig& config,
                                             std::vector<std::string> overrides) {
  const auto absolute = [](const std::string& path) {
    return std::filesystem::absolute(path).lexically_normal().string();
  };
  const std::string& data = config.trainer.data.path;
  if (!data.empty() && std::filesystem::path(data).is_relative()) {
    overrides.push_back("data.path=" + core::setting_text(absolute(data)));
  }
  std::vector<std::string> directories;
  directories.reserve(config.plugin_directories.size());
  for (const std::string& directory : config.plugin_directories) {
    directories.push_back(absolute(directory));
  }
  if (directories != config.plugin_directories) {
    overrides.push_back("plugins.directories=" + core::setting_text(directories));
  }
  if (config.settings.text("train.compute") == "auto") {
    overrides.push_back("train.compute=" + core::setting_text(std::string(
                                               tensor::name_of(config.trainer.train.compute))));
  }
  return overrides;
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
