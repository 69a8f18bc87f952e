#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "config/run_config.h"
#include "ops/linalg/multiplier.h"

/// Every key that a run's configuration may hold, once: its name, the member that takes its value,
/// its range or choices, whether a resumed run may change it, and what it means. The default is the
/// member's own. `describe` is read twice: SchemaKeys (run_schema.cpp) makes the schema of it,
/// ReadKeys (run_config.cpp) fills the members.
namespace switchyard::config {

/// Whether a resumed run may give a key another value: kFree where the same parameters go on being
/// trained on the same text.
enum class Resume { kFree, kFixed };

enum class Need { kOptional, kRequired };

/// The numbers that a key takes: from `min` to `max`, both included unless `above_min`.
struct Range {
  double min;
  double max;
  bool above_min = false;
};

/// One text that a key takes, and the value that it stands for. Where two choices have the same
/// value, the first is the default's text.
template <typename T>
struct Choice {
  std::string_view text;
  T value;
};

/// The choices of a key whose member is a T or a list of T.
template <typename T>
using Choices = std::type_identity_t<std::vector<Choice<T>>>;

inline constexpr double kMaxSteps = 1e12;

template <class Keys>
void describe_data(Keys& k, trainer::DataConfig& c) {
  k.text("data.path", c.path, Resume::kFree, "directory that `switchyard prepare` wrote",
         Need::kRequired);
  k.number("data.batch_size", c.batch_size, {1, 1e6}, Resume::kFixed,
           "streams of text side by side");
  k.number("data.sequence_length", c.sequence_length, {1, 1e5}, Resume::kFixed,
           "words per stream and step");
  k.flag("data.shuffle", c.shuffle, Resume::kFixed, "sentences in a new order in every epoch");
  k.flag("data.reset_state", c.reset_state, Resume::kFixed,
         "recurrent state is zero at each sentence's start");
}

template <class Keys>
void describe_model(Keys& k, models::LanguageModelConfig& c) {
  using enum models::LayerKind;
  k.number("model.d_model", c.d_model, {1, 65536}, Resume::kFixed,
           "width of every layer's input and output");
  k.number("model.dropout", c.dropout, {0, 0.99}, Resume::kFixed,
           "share of values dropped between layers");
  k.flag("model.residual", c.residual, Resume::kFixed, "each layer's output is added to its input");
  k.choices("model.layers", c.layers,
            {{"lstm", kLstm}, {"moe", kMoe}, {"recurrent_moe", kRecurrentMoe}}, Resume::kFixed,
            "the stack, from the bottom");
  k.number("model.vocabulary_size", c.vocab_size, {0, 1e9}, Resume::kFixed,
           "words, to describe a model without its text; 0 = those of data.path");
  k.number("model.init_scale", c.init_scale, {0, 100}, Resume::kFixed,
           "of the uniform fan-in initialisation");
  k.number("model.init_range", c.init_range, {0, 10}, Resume::kFixed,
           "embedding and softmax uniform within +- this; 0 = by fan-in");
}

template <class Keys>
void describe_lstm(Keys& k, models::LstmLayerConfig& c) {
  k.number("model.lstm.units", c.units, {0, 1e6}, Resume::kFixed,
           "cells of an LSTM or recurrent MoE layer; 0 = model.d_model");
  k.number("model.lstm.projection", c.projection, {0, 65536}, Resume::kFixed,
           "outputs that the cells are projected to; 0 = none, else model.d_model");
  k.number("model.lstm.forget_bias", c.forget_bias, {-100, 100}, Resume::kFixed,
           "added in the forget gate");
  k.number("model.lstm.init_range", c.init_range, {0, 10}, Resume::kFixed,
           "weights and bias uniform within +- this; 0 = by fan-in, bias 0");
}

template <class Keys>
void describe_experts(Keys& k, layers::ExpertMemory& c) {
  using enum tensor::DType;
  k.choice("model.moe.weights", c.weights, {{"f32", kF32}, {"bf16", kBf16}}, Resume::kFixed,
           "how experts' weights rest; bf16 needs update_in_backward and rounds at random");
  k.flag("model.moe.update_in_backward", c.update_in_backward, Resume::kFixed,
         "experts are updated as soon as their gradient is made, unclipped; none is kept");
  k.number("model.moe.experts_at_once", c.experts_at_once, {0, 1e7}, Resume::kFixed,
           "experts worked through together, fewer take less memory; 0 = all of a group");
}

template <class Keys>
void describe_moe(Keys& k, models::LanguageModelConfig& c) {
  using enum models::BalanceBy;
  using enum ops::nn::OutputActivation;
  describe_experts(k, c.moe.memory);
  k.number("model.moe.groups", c.moe.groups, {0, 1e6}, Resume::kFixed,
           "groups of a two-level gate; 0 = one flat gate");
  k.choice("model.moe.output", c.moe_output, {{"sigmoid", kSigmoid}, {"identity", kIdentity}},
           Resume::kFixed,
           "what the sum of the experts passes before dropout and residual, not in a recurrent "
           "layer");
  k.choice("model.moe.balance.by", c.moe.balance.by,
           {{"auto", kGate}, {"gate", kGate}, {"tokens", kTokens}, {"compute", kCompute}},
           Resume::kFixed,
           "who asks for balance: the gate, or the layer in tokens or multiply-adds; auto = gate, "
           "with groups or a recurrent layer tokens");
  k.number("model.moe.balance.w_importance", c.moe.balance.w_importance, {0, 1e6}, Resume::kFixed,
           "of CV^2(importance), where the layer asks");
  k.number("model.moe.balance.w_load", c.moe.balance.w_load, {0, 1e6}, Resume::kFixed,
           "of CV^2(load), where the layer asks");
  k.number("model.recurrent_moe.segment", c.recurrent_moe.segment, {-1, 1e5}, Resume::kFixed,
           "steps whose activations backward computes again together; -1 = the root of "
           "data.sequence_length, 0 = keep all");
}

template <class Keys>
void describe_vocabulary(Keys& k, models::LanguageModelConfig& c) {
  using enum layers::Proposal;
  k.flag("model.embedding.sparse_gradient", c.embedding.sparse_gradient, Resume::kFixed,
         "update only the rows of a step's words; the others and their moments rest");
  k.number("model.softmax.sampled", c.softmax.sampled, {0, 1e9}, Resume::kFixed,
           "words per step that the training loss compares with; 0 = all");
  k.choice("model.softmax.sampler", c.softmax.sampler,
           {{"log_uniform", kLogUniform}, {"unigram", kUnigram}}, Resume::kFixed,
           "how they are drawn: by rank, or by count in the training text");
  k.number("model.softmax.unigram_power", c.softmax.unigram_power, {0, 10}, Resume::kFixed,
           "of the counts of \"unigram\"");
  k.flag("model.softmax.tied", c.softmax.tied, Resume::kFixed,
         "the softmax's weights are the embedding's");
}

template <class Keys>
void describe_schedule(Keys& k, optim::Schedule& c) {
  using enum optim::ScheduleKind;
  k.choice("schedule.kind", c.kind,
           {{"constant", kConstant}, {"inverse_sqrt", kInverseSqrt}, {"plateau", kPlateau}},
           Resume::kFree, "learning rate after the warm-up");
  k.number("schedule.learning_rate", c.base, {0, 1e3, true}, Resume::kFree,
           "at the end of the warm-up");
  k.number("schedule.warmup_steps", c.warmup_steps, {0, kMaxSteps}, Resume::kFree,
           "linear rise from zero");
  k.number("schedule.hold_steps", c.hold_steps, {0, kMaxSteps}, Resume::kFree,
           "plateau before the inverse root");
  k.number("schedule.plateau_factor", c.plateau_factor, {1, 1e6, true}, Resume::kFree,
           "plateau: divides the rate after each evaluation that is no better");
  k.number("schedule.decay_steps", c.decay_steps, {0, kMaxSteps}, Resume::kFree,
           "linear fall to zero over the last steps of the run; 0 = none");
}

template <class Keys>
void describe_loop(Keys& k, trainer::LoopConfig& c) {
  using enum trainer::NonfinitePolicy;
  using enum tensor::DType;
  k.number("train.steps", c.steps, {0, kMaxSteps}, Resume::kFree,
           "optimizer steps of the whole run");
  k.number("train.seed", c.seed, {0, 0x1p53}, Resume::kFixed, "of every random number of the run");
  k.number("train.clip_norm", c.clip_norm, {0, 1e9}, Resume::kFree,
           "largest global gradient norm; 0 = off");
  k.number("train.log_every_steps", c.log_every_steps, {1, kMaxSteps}, Resume::kFree, "metrics");
  k.number("train.expert_stats_every_steps", c.expert_stats_every_steps, {0, kMaxSteps},
           Resume::kFree, "importance and load of every expert; 0 = never");
  k.number("train.evaluate_every_steps", c.evaluate_every_steps, {0, kMaxSteps}, Resume::kFree,
           "on the valid split; 0 = only at the end");
  k.number("train.evaluate_max_words", c.evaluate_max_words, {0, kMaxSteps}, Resume::kFree,
           "of those evaluations; 0 = the whole split");
  k.choice("train.on_nonfinite", c.on_nonfinite, {{"stop", kStop}, {"skip_step", kSkipStep}},
           Resume::kFree, "when a loss or gradient is NaN or infinite");
  k.number("train.threads", c.threads, {0, 4096}, Resume::kFree, "0 = all cores");
  k.choice("train.compute", c.compute,
           {{"f32", kF32}, {"bf16", kBf16}, {"auto", ops::linalg::fastest_compute()}},
           Resume::kFixed,
           "what the factors of matrix products are rounded to; all else is f32. auto = bf16 "
           "where the machine has instructions for it");
}

template <class Keys>
void describe_checkpoint(Keys& k, trainer::CheckpointConfig& c) {
  k.number("checkpoint.every_steps", c.every_steps, {0, kMaxSteps}, Resume::kFree,
           "0 = only at the end");
  k.flag("checkpoint.at_start", c.at_start, Resume::kFree, "also before the first step");
  k.number("checkpoint.keep_last", c.keep_last, {1, 1e6}, Resume::kFree,
           "how many of the newest are kept");
  k.flag("checkpoint.keep_best", c.keep_best, Resume::kFree,
         "also the one with the lowest valid perplexity");
}

/// The keys of [[model.moe.experts]] that are not the plugin's.
template <class Keys>
void describe(Keys& k, models::ExpertGroupConfig& c) {
  k.number("count", c.count, {1, 1e7}, Resume::kFixed, "how many experts of this kind",
           Need::kRequired);
}

/// The keys of [[optimizer.groups]] that are not the plugin's.
template <class Keys>
void describe(Keys& k, trainer::OptimizerGroupConfig& c) {
  using enum tensor::Role;
  k.choices("roles", c.selection.roles,
            {{name_of(kDense), kDense},
             {name_of(kGate), kGate},
             {name_of(kExpert), kExpert},
             {name_of(kEmbedding), kEmbedding},
             {name_of(kNorm), kNorm},
             {name_of(kBias), kBias}},
            Resume::kFixed, "what the parameters are for; empty = whatever their role");
  k.text("match", c.selection.match, Resume::kFixed,
         "their names, * stands for any characters; empty = any name");
  k.number("learning_rate_scale", c.learning_rate_scale, {0, 1e6}, Resume::kFixed,
           "times the schedule's learning rate");
}

/// The tables that name a plugin. All other keys in them are the plugin's.
template <class Keys>
void describe_components(Keys& k, models::MoeConfig& moe, trainer::TrainerConfig& c) {
  k.component("model.moe.gate", moe.gate, "the gate of every MoE layer, and its settings");
  k.component("model.moe.secondary_gate", moe.secondary_gate,
              "the gate within each group of two levels; without it the same as model.moe.gate");
  k.components("model.moe.experts", moe.experts, "a group of experts, and their settings");
  k.component("optimizer", c.optimizer, "the optimizer, and its settings");
  k.components("optimizer.groups", c.optimizer_groups,
               "another optimizer for some of the parameters");
}

/// A run's whole configuration, in the order in which it is written.
template <class Keys>
void describe(Keys& k, RunConfig& c) {
  trainer::TrainerConfig& trainer = c.trainer;
  auto& model = std::get<models::LanguageModelConfig>(trainer.model);
  k.text("run.name", c.name, Resume::kFree, "shown in lists; empty = name of the run directory");
  describe_data(k, trainer.data);
  describe_model(k, model);
  describe_lstm(k, model.lstm);
  describe_moe(k, model);
  describe_vocabulary(k, model);
  describe_schedule(k, trainer.schedule);
  describe_loop(k, trainer.train);
  describe_checkpoint(k, trainer.checkpoint);
  k.texts("plugins.directories", c.plugin_directories, Resume::kFree,
          "searched for plugins before the program's own");
  describe_components(k, model.moe, trainer);
}

}  // namespace switchyard::config
