#include "trainer/trainer.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "checkpoint/checkpoint_store.h"
#include "core/file_system.h"
#include "core/version.h"
#include "data/dataset.h"
#include "data/prefetcher.h"
#include "trainer/evaluation.h"
#include "trainer/expert_reporter.h"
#include "trainer/learner.h"
#include "trainer/make_optimizer.h"
#include "trainer/snapshot.h"

namespace switchyard::trainer {

namespace {

constexpr int kMaxFailedSaves = 3;

data::BatchSource training_text(const TrainerConfig& config, const data::Dataset& dataset) {
  return {dataset.split("train"),
          {.shape = {.batch_size = config.data.batch_size,
                     .sequence_length = config.data.sequence_length},
           .shuffle = config.data.shuffle,
           .reset_state = config.data.reset_state,
           .seed = config.train.seed}};
}

double seconds_between(int64_t begin_ns, int64_t end_ns) {
  return static_cast<double>(end_ns - begin_ns) * 1e-9;
}

bool is_due(int64_t step, int64_t every) {
  return every > 0 && step % every == 0;
}

}  // namespace

struct Trainer::Impl {
  explicit Impl(TrainerSetup given);

  TrainerSetup setup;
  RunListener silent_listener;  // used if the setup has none
  core::Clock own_clock;
  const TrainerConfig& config;
  RunListener& listener;
  const core::Clock& clock;
  data::Dataset dataset;
  core::ThreadPool threads;
  tensor::CpuDevice device;
  Learner learner;
  Snapshot snapshot;
  optim::Schedule schedule;
  data::Prefetcher batches;
  core::PosixFileSystem files;
  checkpoint::CheckpointStore store;
  ExpertReporter expert_reporter;
  int64_t step = 0;
  int64_t saved_step = -1;
  std::optional<int64_t> resumed_step;
  double best_nll_per_word = 0.0;
  int64_t best_step = -1;
  int64_t reductions = 0;  // evaluations that were no better than the best before
  int failed_saves = 0;

  void take_step();
  void report_step(const StepOutcome& outcome, double learning_rate, int64_t begin_ns);
  void handle_nonfinite(const StepOutcome& outcome);
  [[nodiscard]] EvaluationReport evaluate(std::string_view split, int64_t max_words);
  void evaluate_for_best();
  void save_if_possible();
  void save();
  std::optional<StopReason> advance(const core::CancelToken& cancel, int64_t until_step);
  void restore(const checkpoint::CheckpointReader& reader);
};

Trainer::Impl::Impl(TrainerSetup given)
    : setup(std::move(given)),
      config(setup.config),
      listener(setup.listener != nullptr ? *setup.listener : silent_listener),
      clock(setup.clock != nullptr ? *setup.clock : own_clock),
      dataset(config.data.path),
      threads(config.train.threads),
      device(threads),
      learner(learner_config(config, dataset), device, *setup.plugins,
              make_optimizer(config, *setup.plugins)),
      snapshot(learner, dataset, *setup.plugins, listener),
      schedule(config.schedule),
      batches(training_text(config, dataset)),
      store(setup.run_directory / "checkpoints", files) {
  schedule.total_steps = config.train.steps;
  schedule.check();
  core::require(schedule.kind != optim::ScheduleKind::kPlateau || dataset.has_split("valid"),
                "schedule.kind = \"plateau\" follows the valid split, but the data set {} has none",
                dataset.directory().string());
  learner.allocate();
}

void Trainer::Impl::handle_nonfinite(const StepOutcome& outcome) {
  const std::string place = learner.find_nonfinite();
  const std::string message = fmt::format(
      "step {}: the loss is {:.6g}, the balance loss {:.6g}, the gradient norm {:.6g}; first seen "
      "in "
      "{}",
      step + 1, outcome.task_loss(), outcome.aux_loss, outcome.grad_norm,
      place.empty() ? "the loss" : place);
  learner.drop_gradients();
  if (config.train.on_nonfinite == NonfinitePolicy::kStop) {
    listener.on_event(step + 1, core::LogLevel::kError, "nonfinite", message);
    core::fail(core::ErrorCode::kNumeric,
               "{}; lower schedule.learning_rate or train.clip_norm, or set train.on_nonfinite = "
               "\"skip_step\"",
               message);
  }
  listener.on_event(step + 1, core::LogLevel::kWarning, "nonfinite_step_skipped",
                    message + "; step skipped");
}

void Trainer::Impl::take_step() {
  const int64_t begin_ns = clock.monotonic_ns();
  const data::Batch& batch = batches.next();
  const double learning_rate = schedule.at(step + 1, reductions);
  const StepOutcome outcome = learner.compute_gradients(batch, step + 1, learning_rate);
  if (outcome.is_finite()) {
    learner.update(outcome, step + 1, learning_rate);
  } else {
    handle_nonfinite(outcome);
  }
  ++step;
  report_step(outcome, learning_rate, begin_ns);
}

void Trainer::Impl::report_step(const StepOutcome& outcome, double learning_rate,
                                int64_t begin_ns) {
  const int64_t now_ns = clock.monotonic_ns();
  listener.on_step({.step = step,
                    .task_loss = outcome.task_loss(),
                    .aux_loss = outcome.aux_loss,
                    .learning_rate = learning_rate,
                    .grad_norm = outcome.grad_norm,
                    .num_words = outcome.num_words,
                    .seconds = seconds_between(begin_ns, now_ns),
                    .utc_ns = clock.utc_ns(),
                    .monotonic_ns = now_ns});
  for (const auto& [name, value] : setup.plugins->drain_metrics()) {
    if (is_due(step, config.train.log_every_steps)) {
      listener.on_metric({.step = step, .name = name, .value = value});
    }
  }
  if (is_due(step, config.train.expert_stats_every_steps) || step == 1) {
    expert_reporter.report(step, learner.traces(), device, listener);
  }
}

EvaluationReport Trainer::Impl::evaluate(std::string_view split, int64_t max_words) {
  EvaluationReport report = trainer::evaluate(
      learner, {.dataset = dataset, .split = split, .shape = config.data, .max_words = max_words},
      clock);
  report.step = step;
  return report;
}

void Trainer::Impl::evaluate_for_best() {
  if (!dataset.has_split("valid")) {
    return;
  }
  const EvaluationReport report = evaluate("valid", config.train.evaluate_max_words);
  if (best_step < 0 || report.nll_per_word < best_nll_per_word) {
    best_nll_per_word = report.nll_per_word;
    best_step = step;
  } else {
    ++reductions;
  }
  listener.on_evaluation(report);
}

void Trainer::Impl::save() {
  listener.before_checkpoint(step);
  const checkpoint::SavedCheckpoint saved =
      store.save(snapshot.contents(step,
                                   {.cursor = batches.cursor(),
                                    .best_nll_per_word = best_nll_per_word,
                                    .best_step = best_step,
                                    .reductions = reductions},
                                   setup.config_toml));
  saved_step = step;
  const bool keeps_best = config.checkpoint.keep_best && best_step >= 0;
  CheckpointReport report = {.step = step,
                             .directory = saved.directory,
                             .bytes = saved.bytes,
                             .manifest_sha256 = saved.manifest_sha256};
  report.removed = store.retain({.keep_last = std::max<int64_t>(config.checkpoint.keep_last, 1),
                                 .best_step = keeps_best ? std::optional(best_step) : std::nullopt,
                                 .resumed_step = resumed_step});
  listener.on_checkpoint(report);
}

// A full disk does not end a run: older checkpoints are intact and the next save may succeed.
void Trainer::Impl::save_if_possible() {
  try {
    save();
    failed_saves = 0;
  } catch (const core::Error& e) {
    ++failed_saves;
    listener.on_event(step, core::LogLevel::kError, "checkpoint_failed", e.what());
    if (failed_saves >= kMaxFailedSaves) {
      core::fail(e.code(),
                 "{}; {} checkpoints in a row could not be saved, the run stops at step {}",
                 e.what(), failed_saves, step);
    }
  }
}

void Trainer::Impl::restore(const checkpoint::CheckpointReader& reader) {
  const TrainerState state = snapshot.restore(reader);
  batches.seek(state.cursor);
  best_nll_per_word = state.best_nll_per_word;
  best_step = state.best_step;
  reductions = state.reductions;
  step = reader.step();
  saved_step = step;
  resumed_step = step;
}

Trainer::Trainer(TrainerSetup setup) : impl_(std::make_unique<Impl>(std::move(setup))) {
}

Trainer::~Trainer() = default;

int64_t Trainer::step() const {
  return impl_->step;
}

int64_t Trainer::restore_newest() {
  const auto reader = impl_->store.open_newest([this](const checkpoint::DamagedCheckpoint& d) {
    impl_->listener.on_event(d.step, core::LogLevel::kError, "checkpoint_damaged",
                             fmt::format("{} is damaged and was not used: {}", d.name, d.message));
  });
  if (!reader) {
    return -1;
  }
  impl_->restore(*reader);
  return impl_->step;
}

// Returns nothing if more steps remain.
std::optional<StopReason> Trainer::Impl::advance(const core::CancelToken& cancel,
                                                 int64_t until_step) {
  for (const std::string& name : store.sweep()) {
    listener.on_event(step, core::LogLevel::kInfo, "checkpoint_swept",
                      name + " was left by a killed process");
  }
  if (config.checkpoint.at_start && step == 0 && saved_step < 0) {
    save_if_possible();
  }
  while (step < config.train.steps) {
    if (cancel.requested()) {
      save();
      return StopReason::kCancelled;
    }
    if (step >= until_step) {
      return std::nullopt;
    }
    take_step();
    const bool is_last = step == config.train.steps;
    if (is_last || is_due(step, config.train.evaluate_every_steps)) {
      evaluate_for_best();
    }
    if (!is_last && is_due(step, config.checkpoint.every_steps)) {
      save_if_possible();
    }
  }
  if (saved_step != step) {
    save();
  }
  return StopReason::kFinished;
}

StopReason Trainer::train(const core::CancelToken& cancel) {
  return impl_->advance(cancel, impl_->config.train.steps).value_or(StopReason::kFinished);
}

void Trainer::train_until(int64_t step, const core::CancelToken& cancel) {
  (void)impl_->advance(cancel, step);
}

EvaluationReport Trainer::evaluate(std::string_view split) {
  const EvaluationReport report = impl_->evaluate(split, 0);
  impl_->listener.on_evaluation(report);
  return report;
}

}  // namespace switchyard::trainer
