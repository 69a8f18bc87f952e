#include "config/language_model.h"

#include <algorithm>

#include "core/error.h"

namespace switchyard::config {
namespace {

using enum Resume;
using models::LanguageModelConfig;

void describe_model(Keys& k, LanguageModelConfig& c) {
  using enum models::LayerKind;
  k.number("model.d_model", c.d_model, {1, 65536}, kFixed,
           "width of every layer's input and output");
  k.number("model.dropout", c.dropout, {0, 0.99}, kFixed, "share of values dropped between layers");
  k.value("model.residual", c.residual, kFixed, "each layer's output is added to its input");
  k.choices("model.layers", c.layers,
            {{"lstm", kLstm}, {"moe", kMoe}, {"recurrent_moe", kRecurrentMoe}}, kFixed,
            "the stack, from the bottom");
  k.number("model.vocabulary_size", c.vocab_size, {0, 1e9}, kFixed,
           "words, to describe a model without its text; 0 = those of data.path");
  k.number("model.init_scale", c.init_scale, {0, 100}, kFixed,
           "of the uniform fan-in initialisation");
  k.number("model.init_range", c.init_range, {0, 10}, kFixed,
           "embedding and softmax uniform within +- this; 0 = by fan-in");
}

void describe_lstm(Keys& k, models::LstmLayerConfig& c) {
  k.number("model.lstm.units", c.units, {0, 1e6}, kFixed,
           "cells of an LSTM or recurrent MoE layer; 0 = model.d_model");
  k.number("model.lstm.projection", c.projection, {0, 65536}, kFixed,
           "outputs that the cells are projected to; 0 = none, else model.d_model");
  k.number("model.lstm.forget_bias", c.forget_bias, {-100, 100}, kFixed,
           "added in the forget gate");
  k.number("model.lstm.init_range", c.init_range, {0, 10}, kFixed,
           "weights and bias uniform within +- this; 0 = by fan-in, bias 0");
}

void describe_experts(Keys& k, layers::ExpertMemory& c) {
  using enum tensor::DType;
  k.choice("model.moe.weights", c.weights, {{"f32", kF32}, {"bf16", kBf16}}, kFixed,
           "how experts' weights rest; bf16 needs update_in_backward and rounds at random");
  k.value("model.moe.update_in_backward", c.update_in_backward, kFixed,
          "experts are updated as soon as their gradient is made, unclipped; none is kept");
  k.number("model.moe.experts_at_once", c.experts_at_once, {0, 1e7}, kFixed,
           "experts worked through together, fewer take less memory; 0 = all of a group");
}

void describe_moe(Keys& k, LanguageModelConfig& c) {
  using enum models::BalanceBy;
  using enum ops::nn::OutputActivation;
  describe_experts(k, c.moe.memory);
  k.number("model.moe.groups", c.moe.groups, {0, 1e6}, kFixed,
           "groups of a two-level gate; 0 = one flat gate");
  k.choice("model.moe.output", c.moe_output, {{"sigmoid", kSigmoid}, {"identity", kIdentity}},
           kFixed,
           "what the sum of the experts passes before dropout and residual, not in a recurrent "
           "layer");
  k.choice("model.moe.balance.by", c.moe.balance.by,
           {{"auto", kGate}, {"gate", kGate}, {"tokens", kTokens}, {"compute", kCompute}}, kFixed,
           "who asks for balance: the gate, or the layer in tokens or multiply-adds; auto = gate, "
           "with groups or a recurrent layer tokens");
  k.number("model.moe.balance.w_importance", c.moe.balance.w_importance, {0, 1e6}, kFixed,
           "of CV^2(importance), where the layer asks");
  k.number("model.moe.balance.w_load", c.moe.balance.w_load, {0, 1e6}, kFixed,
           "of CV^2(load), where the layer asks");
  k.number("model.recurrent_moe.segment", c.recurrent_moe.segment, {-1, 1e5}, kFixed,
           "steps whose activations backward computes again together; -1 = the root of "
           "data.sequence_length, 0 = keep all");
}

void describe_vocabulary(Keys& k, LanguageModelConfig& c) {
  using enum layers::Proposal;
  k.value("model.embedding.sparse_gradient", c.embedding.sparse_gradient, kFixed,
          "update only the rows of a step's words; the others and their moments rest");
  k.number("model.softmax.sampled", c.softmax.sampled, {0, 1e9}, kFixed,
           "words per step that the training loss compares with; 0 = all");
  k.choice("model.softmax.sampler", c.softmax.sampler,
           {{"log_uniform", kLogUniform}, {"unigram", kUnigram}}, kFixed,
           "how they are drawn: by rank, or by count in the training text");
  k.number("model.softmax.unigram_power", c.softmax.unigram_power, {0, 10}, kFixed,
           "of the counts of \"unigram\"");
  k.value("model.softmax.tied", c.softmax.tied, kFixed,
          "the softmax's weights are the embedding's");
}

bool has_layer(const LanguageModelConfig& model, models::LayerKind kind) {
  return std::find(model.layers.begin(), model.layers.end(), kind) != model.layers.end();
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

void check_balance(const LanguageModelConfig& model) {
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

void check_layers(const LanguageModelConfig& model) {
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

}  // namespace

/// The keys of [[model.moe.experts]] that are not the plugin's.
void describe(Keys& k, models::ExpertGroupConfig& c) {
  k.number("count", c.count, {1, 1e7}, kFixed, "how many experts of this kind", Need::kRequired);
}

void describe_language_model(Keys& k, models::ModelConfig& config) {
  auto& c = std::get<LanguageModelConfig>(config);
  describe_model(k, c);
  describe_lstm(k, c.lstm);
  describe_moe(k, c);
  describe_vocabulary(k, c);
  k.component("model.moe.gate", c.moe.gate, "the gate of every MoE layer, and its settings");
  k.component("model.moe.secondary_gate", c.moe.secondary_gate,
              "the gate within each group of two levels; without it the same as model.moe.gate");
  k.components("model.moe.experts", c.moe.experts, "a group of experts, and their settings");
}

void derive_language_model(RunConfig& config) {
  auto& model = std::get<LanguageModelConfig>(config.trainer.model);
  const bool only_a_layer_can =
      model.moe.groups > 0 || has_layer(model, models::LayerKind::kRecurrentMoe);
  if (only_a_layer_can && is_auto(config, "model.moe.balance.by")) {
    model.moe.balance.by = models::BalanceBy::kTokens;
  }
}

void check_language_model(const RunConfig& config) {
  const auto& model = std::get<LanguageModelConfig>(config.trainer.model);
  check_layers(model);
  check_groups(config.settings, model.moe);
  check_balance(model);
}

}  // namespace switchyard::config
