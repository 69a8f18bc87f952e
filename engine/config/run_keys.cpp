#include "config/run_keys.h"

#include <algorithm>
#include <string_view>
#include <type_traits>
#include <utility>

#include "config/run_config.h"
#include "ops/linalg/multiplier.h"

namespace switchyard::config {
namespace {

using core::ConfigValue;
using core::Field;
using core::FieldType;
using enum Resume;

constexpr double kMaxSteps = 1e12;

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

template <typename T>
std::string text_of(const T& value, const std::vector<Choice<T>>& choices) {
  const auto at = std::find_if(choices.begin(), choices.end(),
                               [&](const Choice<T>& one) { return one.value == value; });
  return std::string(at->text);
}

/// A checked configuration holds no text that is not among the choices.
template <typename T>
T value_of(const std::string& text, const std::vector<Choice<T>>& choices) {
  return std::find_if(choices.begin(), choices.end(),
                      [&](const Choice<T>& one) { return one.text == text; })
      ->value;
}

/// Collects the keys that the functions `describe` below list.
class Keys {
 public:
  template <typename T>
  void number(std::string name, T& member, Range range, Resume resume, std::string help,
              Need need = Need::kOptional) {
    using Given = std::conditional_t<std::is_integral_v<T>, int64_t, double>;
    Field field{std::move(name), FieldType::kNumber, static_cast<Given>(member),
                std::move(help), range.min,          range.max};
    field.type = std::is_integral_v<T> ? FieldType::kInteger : FieldType::kNumber;
    field.above_min = range.above_min;
    field.required = need == Need::kRequired;
    add(std::move(field), resume,
        [&member](const ConfigValue& value) { member = static_cast<T>(std::get<Given>(value)); });
  }

  /// A flag, a text or a list of texts.
  template <typename T>
  void value(std::string name, T& member, Resume resume, std::string help,
             Need need = Need::kOptional) {
    constexpr auto kType = std::is_same_v<T, bool>          ? FieldType::kBool
                           : std::is_same_v<T, std::string> ? FieldType::kText
                                                            : FieldType::kTextList;
    Field field{std::move(name), kType, member, std::move(help)};
    field.required = need == Need::kRequired;
    add(std::move(field), resume,
        [&member](const ConfigValue& value) { member = std::get<T>(value); });
  }

  template <typename T>
  void choice(std::string name, T& member, const Choices<T>& choices, Resume resume,
              std::string help) {
    Field field{std::move(name), FieldType::kText, text_of(member, choices), std::move(help)};
    add(with_choices(std::move(field), choices), resume,
        [&member, choices](const ConfigValue& value) {
          member = value_of(std::get<std::string>(value), choices);
        });
  }

  template <typename T>
  void choices(std::string name, std::vector<T>& member, const Choices<T>& choices, Resume resume,
               std::string help) {
    std::vector<std::string> texts;
    for (const T& value : member) {
      texts.push_back(text_of(value, choices));
    }
    Field field{std::move(name), FieldType::kTextList, std::move(texts), std::move(help)};
    add(with_choices(std::move(field), choices), resume,
        [&member, choices](const ConfigValue& value) {
          member.clear();
          for (const std::string& text : std::get<std::vector<std::string>>(value)) {
            member.push_back(value_of(text, choices));
          }
        });
  }

  void component(std::string name, core::ComponentConfig& member, std::string help) {
    keys_.tables.push_back({{std::move(name), false, std::move(help)},
                            [&member](const std::vector<core::ConfigTable>& tables) {
                              member = tables.empty() ? member : tables[0].component;
                            }});
  }

  template <typename T>
  void components(std::string name, std::vector<T>& member, std::string help) {
    T entry;
    Keys own;
    describe(own, entry);
    core::ConfigComponent component{std::move(name), true, std::move(help)};
    for (RunKey& key : own.keys_.keys) {
      component.keys.push_back(std::move(key.field));
    }
    keys_.tables.push_back(
        {std::move(component), [&member](const std::vector<core::ConfigTable>& tables) {
           member.clear();
           for (const core::ConfigTable& table : tables) {
             member.push_back(entry_of<T>(table));
           }
         }});
  }

  [[nodiscard]] RunKeys take() { return std::move(keys_); }

 private:
  using Set = std::function<void(const ConfigValue&)>;

  void add(Field field, Resume resume, Set set) {
    keys_.keys.push_back({std::move(field), resume, std::move(set)});
  }

  template <typename T>
  static Field with_choices(Field field, const std::vector<Choice<T>>& choices) {
    for (const Choice<T>& choice : choices) {
      field.choices.emplace_back(choice.text);
    }
    return field;
  }

  template <typename T>
  static T entry_of(const core::ConfigTable& table) {
    T entry;
    entry.component = table.component;
    Keys own;
    describe(own, entry);
    for (const RunKey& key : own.keys_.keys) {
      key.set(table.own.at(key.field.name));
    }
    return entry;
  }

  RunKeys keys_;
};

void describe_data(Keys& k, trainer::DataConfig& c) {
  k.value("data.path", c.path, kFree, "directory that `switchyard prepare` wrote", Need::kRequired);
  k.number("data.batch_size", c.batch_size, {1, 1e6}, kFixed, "streams of text side by side");
  k.number("data.sequence_length", c.sequence_length, {1, 1e5}, kFixed,
           "words per stream and step");
  k.value("data.shuffle", c.shuffle, kFixed, "sentences in a new order in every epoch");
  k.value("data.reset_state", c.reset_state, kFixed,
          "recurrent state is zero at each sentence's start");
}

void describe_model(Keys& k, models::LanguageModelConfig& c) {
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

void describe_moe(Keys& k, models::LanguageModelConfig& c) {
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

void describe_vocabulary(Keys& k, models::LanguageModelConfig& c) {
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

void describe_schedule(Keys& k, optim::Schedule& c) {
  using enum optim::ScheduleKind;
  k.choice("schedule.kind", c.kind,
           {{"constant", kConstant}, {"inverse_sqrt", kInverseSqrt}, {"plateau", kPlateau}}, kFree,
           "learning rate after the warm-up");
  k.number("schedule.learning_rate", c.base, {0, 1e3, true}, kFree, "at the end of the warm-up");
  k.number("schedule.warmup_steps", c.warmup_steps, {0, kMaxSteps}, kFree, "linear rise from zero");
  k.number("schedule.hold_steps", c.hold_steps, {0, kMaxSteps}, kFree,
           "plateau before the inverse root");
  k.number("schedule.plateau_factor", c.plateau_factor, {1, 1e6, true}, kFree,
           "plateau: divides the rate after each evaluation that is no better");
  k.number("schedule.decay_steps", c.decay_steps, {0, kMaxSteps}, kFree,
           "linear fall to zero over the last steps of the run; 0 = none");
}

void describe_loop(Keys& k, trainer::LoopConfig& c) {
  using enum trainer::NonfinitePolicy;
  using enum tensor::DType;
  k.number("train.steps", c.steps, {0, kMaxSteps}, kFree, "optimizer steps of the whole run");
  k.number("train.seed", c.seed, {0, 0x1p53}, kFixed, "of every random number of the run");
  k.number("train.clip_norm", c.clip_norm, {0, 1e9}, kFree,
           "largest global gradient norm; 0 = off");
  k.number("train.log_every_steps", c.log_every_steps, {1, kMaxSteps}, kFree, "metrics");
  k.number("train.expert_stats_every_steps", c.expert_stats_every_steps, {0, kMaxSteps}, kFree,
           "importance and load of every expert; 0 = never");
  k.number("train.evaluate_every_steps", c.evaluate_every_steps, {0, kMaxSteps}, kFree,
           "on the valid split; 0 = only at the end");
  k.number("train.evaluate_max_words", c.evaluate_max_words, {0, kMaxSteps}, kFree,
           "of those evaluations; 0 = the whole split");
  k.choice("train.on_nonfinite", c.on_nonfinite, {{"stop", kStop}, {"skip_step", kSkipStep}}, kFree,
           "when a loss or gradient is NaN or infinite");
  k.number("train.threads", c.threads, {0, 4096}, kFree, "0 = all cores");
  k.choice("train.compute", c.compute,
           {{"f32", kF32}, {"bf16", kBf16}, {"auto", ops::linalg::fastest_compute()}}, kFixed,
           "what the factors of matrix products are rounded to; all else is f32. auto = bf16 "
           "where the machine has instructions for it");
}

void describe_checkpoint(Keys& k, trainer::CheckpointConfig& c) {
  k.number("checkpoint.every_steps", c.every_steps, {0, kMaxSteps}, kFree, "0 = only at the end");
  k.value("checkpoint.at_start", c.at_start, kFree, "also before the first step");
  k.number("checkpoint.keep_last", c.keep_last, {1, 1e6}, kFree, "how many of the newest are kept");
  k.value("checkpoint.keep_best", c.keep_best, kFree,
          "also the one with the lowest valid perplexity");
}

/// The keys of [[model.moe.experts]] that are not the plugin's.
void describe(Keys& k, models::ExpertGroupConfig& c) {
  k.number("count", c.count, {1, 1e7}, kFixed, "how many experts of this kind", Need::kRequired);
}

/// The keys of [[optimizer.groups]] that are not the plugin's.
void describe(Keys& k, trainer::OptimizerGroupConfig& c) {
  using enum tensor::Role;
  k.choices("roles", c.selection.roles,
            {{name_of(kDense), kDense},
             {name_of(kGate), kGate},
             {name_of(kExpert), kExpert},
             {name_of(kEmbedding), kEmbedding},
             {name_of(kNorm), kNorm},
             {name_of(kBias), kBias}},
            kFixed, "what the parameters are for; empty = whatever their role");
  k.value("match", c.selection.match, kFixed,
          "their names, * stands for any characters; empty = any name");
  k.number("learning_rate_scale", c.learning_rate_scale, {0, 1e6}, kFixed,
           "times the schedule's learning rate");
}

/// The tables that name a plugin. All other keys in them are the plugin's.
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
void describe(Keys& k, RunConfig& c) {
  auto& model = std::get<models::LanguageModelConfig>(c.trainer.model);
  k.value("run.name", c.name, kFree, "shown in lists; empty = name of the run directory");
  describe_data(k, c.trainer.data);
  describe_model(k, model);
  describe_lstm(k, model.lstm);
  describe_moe(k, model);
  describe_vocabulary(k, model);
  describe_schedule(k, c.trainer.schedule);
  describe_loop(k, c.trainer.train);
  describe_checkpoint(k, c.trainer.checkpoint);
  k.value("plugins.directories", c.plugin_directories, kFree,
          "searched for plugins before the program's own");
  describe_components(k, model.moe, c.trainer);
}

}  // namespace

RunKeys run_keys(RunConfig& config) {
  Keys keys;
  describe(keys, config);
  return keys.take();
}

}  // namespace switchyard::config
