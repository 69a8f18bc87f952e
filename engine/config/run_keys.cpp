#include "config/run_keys.h"

#include "config/keys.h"
#include "config/language_model.h"
#include "config/run_config.h"
#include "ops/linalg/multiplier.h"

namespace switchyard::config {

using enum Resume;

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

namespace {

constexpr double kMaxSteps = 1e12;

void describe_data(Keys& k, trainer::DataConfig& c) {
  k.value("data.path", c.path, kFree, "directory that `switchyard prepare` wrote", Need::kRequired);
  k.number("data.batch_size", c.batch_size, {1, 1e6}, kFixed, "streams of text side by side");
  k.number("data.sequence_length", c.sequence_length, {1, 1e5}, kFixed,
           "words per stream and step");
  k.value("data.shuffle", c.shuffle, kFixed, "sentences in a new order in every epoch");
  k.value("data.reset_state", c.reset_state, kFixed,
          "recurrent state is zero at each sentence's start");
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

/// A run's whole configuration, in the order in which it is written.
void describe(Keys& k, RunConfig& c) {
  k.value("run.name", c.name, kFree, "shown in lists; empty = name of the run directory");
  describe_data(k, c.trainer.data);
  describe_language_model(k, c.trainer.model);
  describe_schedule(k, c.trainer.schedule);
  describe_loop(k, c.trainer.train);
  describe_checkpoint(k, c.trainer.checkpoint);
  k.value("plugins.directories", c.plugin_directories, kFree,
          "searched for plugins before the program's own");
  k.component("optimizer", c.trainer.optimizer, "the optimizer, and its settings");
  k.components("optimizer.groups", c.trainer.optimizer_groups,
               "another optimizer for some of the parameters");
}

}  // namespace

RunKeys run_keys(RunConfig& config) {
  Keys keys;
  describe(keys, config);
  return keys.take();
}

}  // namespace switchyard::config
