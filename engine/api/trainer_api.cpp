#include <algorithm>
#include <cstring>
#include <memory>

#include <switchyard/engine.h>

#include "api/handles.h"
#include "config/run_config.h"
#include "plugin_host/border.h"

using switchyard::core::require;
using switchyard::plugin_host::guard;

namespace {

// Writes as much of `value` into the caller's struct as its struct_size allows.
template <typename Struct>
void copy_out(Struct* out, Struct value) {
  const uint32_t struct_size = out->struct_size;
  value.struct_size = struct_size;
  std::memcpy(out, &value, std::min<size_t>(struct_size, sizeof(Struct)));
}

sy_step_report report_of(const sy_trainer& trainer) {
  const switchyard::trainer::StepReport& last = trainer.last_step.report;
  return {.struct_size = 0,
          .is_finished = trainer.trainer->step() >= trainer.num_steps ? 1U : 0U,
          .step = trainer.trainer->step(),
          .n_words = last.num_words,
          .task_loss = last.task_loss,
          .aux_loss = last.aux_loss,
          .learning_rate = last.learning_rate,
          .grad_norm = last.grad_norm,
          .seconds = last.seconds};
}

}  // namespace

sy_status sy_trainer_create(sy_engine* engine, const char* config_toml, const char* run_directory,
                            sy_trainer** out, sy_error* error) {
  return guard(error, [&] {
    require(out != nullptr, "sy_trainer_create: out must not be null");
    *out = nullptr;
    require(engine != nullptr && config_toml != nullptr && run_directory != nullptr,
            "sy_trainer_create: engine, config_toml and run_directory must not be null");
    const switchyard::config::RunConfig config =
        switchyard::config::parse_run_config(config_toml, "configuration", {});
    auto trainer = std::make_unique<sy_trainer>();
    trainer->plugins =
        std::make_unique<switchyard::plugin_host::PluginRegistry>(engine->plugin_options);
    trainer->num_steps = config.trainer.train.steps;
    trainer->trainer = std::make_unique<switchyard::trainer::Trainer>(
        switchyard::trainer::TrainerSetup{.config = config.trainer,
                                          .config_toml = config.settings.to_toml(),
                                          .run_directory = run_directory,
                                          .plugins = trainer->plugins.get(),
                                          .listener = &trainer->last_step,
                                          .log = engine->plugin_options.log});
    *out = trainer.release();
  });
}

void sy_trainer_destroy(sy_trainer* trainer) {
  delete trainer;
}

sy_status sy_trainer_restore(sy_trainer* trainer, int64_t* step, sy_error* error) {
  return guard(error, [&] {
    require(trainer != nullptr && step != nullptr,
            "sy_trainer_restore: trainer and step must not be null");
    *step = trainer->trainer->restore_newest();
  });
}

sy_status sy_trainer_run(sy_trainer* trainer, int64_t n_steps, sy_step_report* report,
                         sy_error* error) {
  return guard(error, [&] {
    require(trainer != nullptr && report != nullptr,
            "sy_trainer_run: trainer and report must not be null");
    require(n_steps > 0, "sy_trainer_run: n_steps must be 1 or more, got {}", n_steps);
    trainer->cancel.clear();
    trainer->trainer->train_until(trainer->trainer->step() + n_steps, trainer->cancel);
    copy_out(report, report_of(*trainer));
  });
}

void sy_trainer_stop(sy_trainer* trainer) {
  if (trainer != nullptr) {
    trainer->cancel.request();
  }
}

sy_status sy_trainer_evaluate(sy_trainer* trainer, const char* split, sy_evaluation* evaluation,
                              sy_error* error) {
  return guard(error, [&] {
    require(trainer != nullptr && split != nullptr && evaluation != nullptr,
            "sy_trainer_evaluate: trainer, split and evaluation must not be null");
    const switchyard::trainer::EvaluationReport result = trainer->trainer->evaluate(split);
    copy_out(evaluation, {.struct_size = 0,
                          .reserved = 0,
                          .nll_per_word = result.nll_per_word,
                          .n_words = result.num_words});
  });
}
