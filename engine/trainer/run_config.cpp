#include "trainer/run_config.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "core/error.h"

namespace switchyard::trainer {
namespace {

using core::ConfigKey;
using core::ConfigType;

constexpr double kMaxSteps = 1e12;

ConfigKey text(std::string name, std::string value, std::string help,
               std::vector<std::string> choices = {}) {
  ConfigKey key{std::move(name), ConfigType::kText, std::move(value), std::move(help)};
  key.choices = std::move(choices);
  return key;
}

ConfigKey integer(std::string name, int64_t value, double min, double max, std::string help) {
  return {std::move(name), ConfigType::kInteger, value, std::move(help), min, max};
}

ConfigKey number(std::string name, double value, double min, double max, std::string help) {
  return {std::move(name), ConfigType::kNumber, value, std::move(help), min, max};
}

ConfigKey flag(std::string name, bool value, std::string help) {
  return {std::move(name), ConfigType::kBool, value, std::move(help)};
}

ConfigKey texts(std::string name, std::vector<std::string> value, std::string help,
                std::vector<std::string> choices = {}) {
  ConfigKey key{std::move(name), ConfigType::kTextList, std::move(value), std::move(help)};
  key.choices = std::move(choices);
  return key;
}

void add(std::vector<ConfigKey>& keys, std::vector<ConfigKey> more) {
  std::move(more.begin(), more.end(), std::back_inserter(keys));
}

void add_data_keys(std::vector<ConfigKey>& keys, DataPath data_path) {
  ConfigKey path = text("data.path", "", "directory that `switchyard prepare` wrote");
  path.required = data_path == DataPath::kRequired;
  add(keys,
      {std::move(path), integer("data.batch_size", 64, 1, 1e6, "streams of text side by side"),
       integer("data.sequence_length", 20, 1, 1e5, "words per stream and step"),
       flag("data.shuffle", true, "sentences in a new order in every epoch"),
       flag("data.reset_state", true, "recurrent state is zero at each sentence's start")});
}

void add_model_keys(std::vector<ConfigKey>& keys) {
  add(keys, {integer("model.d_model", 512, 1, 65536, "width of every layer's input and output"),
             number("model.dropout", 0.1, 0, 0.99, "share of values dropped between layers"),
             flag("model.residual", true, "each layer's output is added to its input"),
             texts("model.layers", {"lstm", "moe", "lstm"}, "the stack, from the bottom",
                   {"lstm", "moe"}),
             integer("model.vocabulary_size", 0, 0, 1e9,
                     "words, to describe a model without its text; 0 = those of data.path"),
             number("model.init_scale", 1.0, 0, 100, "of the uniform fan-in initialisation"),
             number("model.init_range", 0, 0, 10,
                    "embedding and softmax uniform within +- this; 0 = by fan-in")});
}

// Of what grows with the vocabulary. Behind the keys of [model] itself: each has a table of its
// own.
void add_vocabulary_keys(std::vector<ConfigKey>& keys) {
  add(keys, {flag("model.embedding.sparse_gradient", false,
                  "update only the rows of a step's words; the others and their moments rest"),
             integer("model.softmax.sampled", 0, 0, 1e9,
                     "words per step that the training loss compares with; 0 = all"),
             text("model.softmax.sampler", "log_uniform",
                  "how they are drawn: by rank, or by count in the training text",
                  {"log_uniform", "unigram"}),
             number("model.softmax.unigram_power", 1.0, 0, 10, "of the counts of \"unigram\""),
             flag("model.softmax.tied", false, "the softmax's weights are the embedding's")});
}

void add_lstm_keys(std::vector<ConfigKey>& keys) {
  add(keys, {integer("model.lstm.units", 0, 0, 1e6, "cells of an LSTM layer; 0 = model.d_model"),
             integer("model.lstm.projection", 0, 0, 65536,
                     "outputs that the cells are projected to; 0 = none, else model.d_model"),
             number("model.lstm.forget_bias", 1.0, -100, 100, "added in the forget gate"),
             number("model.lstm.init_range", 0, 0, 10,
                    "weights and bias uniform within +- this; 0 = by fan-in, bias 0")});
}

void add_expert_memory_keys(std::vector<ConfigKey>& keys) {
  add(keys,
      {text("model.moe.weights", "f32",
            "how experts' weights rest; bf16 needs update_in_backward and rounds at random",
            {"f32", "bf16"}),
       flag("model.moe.update_in_backward", false,
            "experts are updated as soon as their gradient is made, unclipped; none is kept"),
       integer("model.moe.experts_at_once", 0, 0, 1e7,
               "experts worked through together, fewer take less memory; 0 = all of a group")});
}

layers::ExpertMemory expert_memory_config(const core::Config& settings) {
  layers::ExpertMemory memory;
  const bool is_bf16 = settings.text("model.moe.weights") == "bf16";
  memory.weights = is_bf16 ? tensor::DType::kBf16 : tensor::DType::kF32;
  memory.update_in_backward = settings.flag("model.moe.update_in_backward");
  memory.experts_at_once = settings.integer("model.moe.experts_at_once");
  return memory;
}

constexpr double kBalanceWeight = 0.1;

void add_moe_keys(std::vector<ConfigKey>& keys) {
  add(keys,
      {integer("model.moe.groups", 0, 0, 1e6, "groups of a two-level gate; 0 = one flat gate"),
       text("model.moe.balance.by", "auto",
            "who asks for balance: the gate, or the layer in tokens or multiply-adds; auto = gate, "
            "with groups tokens",
            {"auto", "gate", "tokens", "compute"}),
       number("model.moe.balance.w_importance", kBalanceWeight, 0, 1e6,
              "of CV^2(importance), where the layer asks"),
       number("model.moe.balance.w_load", kBalanceWeight, 0, 1e6,
              "of CV^2(load), where the layer asks")});
}

void add_schedule_keys(std::vector<ConfigKey>& keys) {
  add(keys, {text("schedule.kind", "inverse_sqrt", "learning rate after the warm-up",
                  {"constant", "inverse_sqrt", "plateau"}),
             number("schedule.learning_rate", 1e-3, 0, 1e3, "at the end of the warm-up"),
             integer("schedule.warmup_steps", 1000, 0, kMaxSteps, "linear rise from zero"),
             integer("schedule.hold_steps", 0, 0, kMaxSteps, "plateau before the inverse root"),
             number("schedule.plateau_factor", 4.0, 1, 1e6,
                    "plateau: divides the rate after each evaluation that is no better"),
             integer("schedule.decay_steps", 0, 0, kMaxSteps,
                     "linear fall to zero over the last steps of the run; 0 = none")});
}

void add_train_keys(std::vector<ConfigKey>& keys) {
  add(keys, {integer("train.steps", 1000, 0, kMaxSteps, "optimizer steps of the whole run"),
             integer("train.seed", 1, 0, 0x1p53, "of every random number of the run"),
             number("train.clip_norm", 1.0, 0, 1e9, "largest global gradient norm; 0 = off"),
             integer("train.log_every_steps", 10, 1, kMaxSteps, "metrics"),
             integer("train.expert_stats_every_steps", 10, 0, kMaxSteps,
                     "importance and load of every expert; 0 = never"),
             integer("train.evaluate_every_steps", 0, 0, kMaxSteps,
                     "on the valid split; 0 = only at the end"),
             integer("train.evaluate_max_words", 0, 0, kMaxSteps,
                     "of those evaluations; 0 = the whole split"),
             text("train.on_nonfinite", "stop", "when a loss or gradient is NaN or infinite",
                  {"stop", "skip_step"}),
             integer("train.threads", 0, 0, 4096, "0 = all cores"),
             text("train.compute", "f32",
                  "what the factors of matrix products are rounded to; all else is f32",
                  {"f32", "bf16"})});
}

void add_checkpoint_keys(std::vector<ConfigKey>& keys) {
  add(keys, {integer("checkpoint.every_steps", 500, 0, kMaxSteps, "0 = only at the end"),
             flag("checkpoint.at_start", false, "also before the first step"),
             integer("checkpoint.keep_last", 3, 1, 1e6, "how many of the newest are kept"),
             flag("checkpoint.keep_best", true, "also the one with the lowest valid perplexity")});
}

std::vector<ConfigKey> optimizer_group_keys() {
  return {texts("roles", {}, "what the parameters are for; empty = whatever their role",
                {"dense", "gate", "expert", "embedding", "norm", "bias"}),
          text("match", "", "their names, * stands for any characters; empty = any name"),
          number("learning_rate_scale", 1.0, 0, 1e6, "times the schedule's learning rate")};
}

std::vector<models::LayerKind> layer_kinds(const std::vector<std::string>& names) {
  std::vector<models::LayerKind> kinds;
  kinds.reserve(names.size());
  for (const std::string& name : names) {
    kinds.push_back(name == "moe" ? models::LayerKind::kMoe : models::LayerKind::kLstm);
  }
  return kinds;
}

DataConfig data_config(const core::Config& settings) {
  DataConfig data;
  data.path = settings.text("data.path");
  data.batch_size = settings.integer("data.batch_size");
  data.sequence_length = settings.integer("data.sequence_length");
  data.shuffle = settings.flag("data.shuffle");
  data.reset_state = settings.flag("data.reset_state");
  return data;
}

models::BalanceConfig balance_config(const core::Config& settings) {
  const std::string& by = settings.text("model.moe.balance.by");
  models::BalanceConfig balance;
  if (by == "compute") {
    balance.by = models::BalanceBy::kCompute;
  } else if (by == "tokens" || (by == "auto" && settings.integer("model.moe.groups") > 0)) {
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
  model.embedding.sparse_gradient = settings.flag("model.embedding.sparse_gradient");
  model.moe = moe_config(settings);
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

LoopConfig loop_config(const core::Config& settings) {
  LoopConfig loop;
  loop.steps = settings.integer("train.steps");
  loop.seed = static_cast<uint64_t>(settings.integer("train.seed"));
  loop.clip_norm = settings.number("train.clip_norm");
  loop.log_every_steps = settings.integer("train.log_every_steps");
  loop.expert_stats_every_steps = settings.integer("train.expert_stats_every_steps");
  loop.evaluate_every_steps = settings.integer("train.evaluate_every_steps");
  loop.evaluate_max_words = settings.integer("train.evaluate_max_words");
  loop.on_nonfinite = settings.text("train.on_nonfinite") == "stop" ? NonfinitePolicy::kStop
                                                                    : NonfinitePolicy::kSkipStep;
  loop.threads = static_cast<int>(settings.integer("train.threads"));
  loop.compute =
      settings.text("train.compute") == "bf16" ? tensor::DType::kBf16 : tensor::DType::kF32;
  return loop;
}

CheckpointConfig checkpoint_config(const core::Config& settings) {
  CheckpointConfig checkpoint;
  checkpoint.every_steps = settings.integer("checkpoint.every_steps");
  checkpoint.at_start = settings.flag("checkpoint.at_start");
  checkpoint.keep_last = settings.integer("checkpoint.keep_last");
  checkpoint.keep_best = settings.flag("checkpoint.keep_best");
  return checkpoint;
}

std::vector<OptimizerGroupConfig> optimizer_groups(const core::Config& settings) {
  std::vector<OptimizerGroupConfig> groups;
  for (const core::ConfigTable& table : settings.tables("optimizer.groups")) {
    OptimizerGroupConfig group;
    group.component = table.component;
    for (const std::string& role : std::get<std::vector<std::string>>(table.own.at("roles"))) {
      group.selection.roles.push_back(tensor::role_of(role).value());
    }
    group.selection.match = std::get<std::string>(table.own.at("match"));
    group.learning_rate_scale = std::get<double>(table.own.at("learning_rate_scale"));
    core::require(!group.selection.roles.empty() || !group.selection.match.empty(),
                  table.component.where,
                  ": a group must say which parameters it takes: add roles = [\"expert\"] or "
                  "match = \"layers.*.experts*\"");
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
  core::require(has_gate, "'model.moe.groups' = ", moe.groups,
                " needs a gate: add a table [model.moe.gate]");
  int64_t experts = 0;
  for (const models::ExpertGroupConfig& group : moe.experts) {
    experts += group.count;
  }
  core::require(experts % moe.groups == 0, "'model.moe.groups' must divide the number of experts, ",
                "got ", moe.groups, " groups for ", experts, " experts");
}

void check_balance(const core::Config& settings, const models::MoeConfig& moe) {
  if (moe.balance.by != models::BalanceBy::kGate) {
    return;  // weights in a gate's table are found where the gate is made
  }
  core::require(moe.groups == 0, "'model.moe.balance.by' = \"gate\" cannot balance all experts of ",
                "two levels: use \"tokens\" or \"compute\"");
  for (const char* key : {"model.moe.balance.w_importance", "model.moe.balance.w_load"}) {
    core::require(settings.number(key) == kBalanceWeight, "'", key,
                  "' has no effect where the gate asks for balance itself: set it in "
                  "[model.moe.gate], or 'model.moe.balance.by' to \"tokens\" or \"compute\"");
  }
}

/// What no key can say alone.
void check_together(const core::Config& settings) {
  const auto& layers = settings.texts("model.layers");
  core::require(!layers.empty(), "'model.layers' must name at least one layer, got []");
  const bool has_moe = std::find(layers.begin(), layers.end(), "moe") != layers.end();
  core::require(!has_moe || !settings.tables("model.moe.experts").empty(),
                "'model.layers' has a \"moe\" layer, so there must be experts: add a table\n"
                "  [[model.moe.experts]]\n  plugin = \"ffn\"\n  count = 8");
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
  TrainerConfig trainer;
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

core::ConfigSchema run_schema(DataPath data_path) {
  core::ConfigSchema schema;
  add(schema.keys, {text("run.name", "", "shown in lists; empty = name of the run directory")});
  add_data_keys(schema.keys, data_path);
  add_model_keys(schema.keys);
  add_lstm_keys(schema.keys);
  add_expert_memory_keys(schema.keys);
  add_moe_keys(schema.keys);
  add_vocabulary_keys(schema.keys);
  add_schedule_keys(schema.keys);
  add_train_keys(schema.keys);
  add_checkpoint_keys(schema.keys);
  add(schema.keys,
      {texts("plugins.directories", {}, "searched for plugins before the program's own")});
  ConfigKey count = integer("count", 1, 1, 1e7, "how many experts of this kind");
  count.required = true;
  schema.components = {
      {"model.moe.gate", false, "the gate of every MoE layer, and its settings"},
      {"model.moe.secondary_gate", false,
       "the gate within each group of two levels; without it the same as model.moe.gate"},
      {"model.moe.experts", true, "a group of experts, and their settings", {count}},
      {"optimizer", false, "the optimizer, and its settings"},
      {"optimizer.groups", true, "another optimizer for some of the parameters",
       optimizer_group_keys()}};
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

std::vector<std::string> with_absolute_paths(const RunConfig& config,
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

}  // namespace switchyard::trainer
