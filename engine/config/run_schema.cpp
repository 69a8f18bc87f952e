#include "config/run_schema.h"

#include <iterator>
#include <utility>

#include "models/language_model_config.h"

namespace switchyard::config {
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
                   {"lstm", "moe", "recurrent_moe"}),
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
  add(keys, {integer("model.lstm.units", 0, 0, 1e6,
                     "cells of an LSTM or recurrent MoE layer; 0 = model.d_model"),
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

void add_moe_keys(std::vector<ConfigKey>& keys) {
  const models::BalanceConfig balance;
  add(keys,
      {integer("model.moe.groups", 0, 0, 1e6, "groups of a two-level gate; 0 = one flat gate"),
       text("model.moe.output", "sigmoid",
            "what the sum of the experts passes before dropout and residual, not in a recurrent "
            "layer",
            {"sigmoid", "identity"}),
       text("model.moe.balance.by", "auto",
            "who asks for balance: the gate, or the layer in tokens or multiply-adds; auto = gate, "
            "with groups or a recurrent layer tokens",
            {"auto", "gate", "tokens", "compute"}),
       number("model.moe.balance.w_importance", balance.w_importance, 0, 1e6,
              "of CV^2(importance), where the layer asks"),
       number("model.moe.balance.w_load", balance.w_load, 0, 1e6,
              "of CV^2(load), where the layer asks"),
       integer("model.recurrent_moe.segment", models::RecurrentMoeLayerConfig().segment, -1, 1e5,
               "steps whose activations backward computes again together; -1 = the root of "
               "data.sequence_length, 0 = keep all")});
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
  add(keys,
      {integer("train.steps", 1000, 0, kMaxSteps, "optimizer steps of the whole run"),
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
            "what the factors of matrix products are rounded to; all else is f32. auto = bf16 "
            "where the machine has instructions for it",
            {"f32", "bf16", "auto"})});
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

}  // namespace switchyard::config
