#include "trainer/trainer.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "checkpoint/checkpoint_store.h"
#include "core/file_system.h"
#include "core/version.h"
#include "data/dataset.h"
#include "data/evaluation_source.h"
#include "data/prefetcher.h"
#include "trainer/component_states.h"
#include "trainer/expert_statistics.h"
#include "trainer/learner.h"
#include "trainer/make_optimizer.h"
#include "trainer/text_sampler.h"
#include "trainer/trainer_state.h"

namespace switchyard::trainer {

namespace {

constexpr int kMaxFailedSaves = 3;
constexpr int kInfo = 1;
constexpr int kWarning = 2;
constexpr int kErrorLevel = 3;

data::BatchShape batch_shape(const DataConfig& config) {
  return {.batch_size = config.batch_size, .sequence_length = config.sequence_length};
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
  RunListener silent_listener;  // for those who gave none
  core::Clock own_clock;
  const TrainerConfig& config;
  RunListener& listener;
  const core::Clock& clock;
  data::Dataset dataset;
  core::ThreadPool threads;
  tensor::CpuDevice device;
  Learner learner;
  optim::Schedule schedule;
  data::Prefetcher batches;
  core::PosixFileSystem files;
  checkpoint::CheckpointStore store;
  ExpertStatistics expert_statistics;
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
  EvaluationReport evaluate(std::string_view split, int64_t max_words,
                            const EvaluatedBatchFunction& each = {});
  void evaluate_for_best();
  void save_if_possible();
  void save();
  [[nodiscard]] checkpoint::CheckpointContents contents();
  [[nodiscard]] std::vector<checkpoint::PluginIdentity> plugins_in_use() const;
  [[nodiscard]] std::vector<checkpoint::NamedTensor> model_tensors();
  [[nodiscard]] std::vector<checkpoint::NamedTensor> optimizer_tensors();
  [[nodiscard]] std::vector<checkpoint::NamedTensor> state_tensors();
  void restore(const checkpoint::CheckpointReader& reader);
  void warn_of_other_plugins(const checkpoint::CheckpointReader& reader);
};

Trainer::Impl::Impl(TrainerSetup given)
    : setup(std::move(given)),
      config(setup.config),
      listener(setup.listener != nullptr ? *setup.listener : silent_listener),
      clock(setup.clock != nullptr ? *setup.clock : own_clock),
      dataset(config.data.path),
      threads(config.train.threads),
      device(threads),
      learner({.model = models::with_vocabulary(config.model, dataset),
               .batch_size = config.data.batch_size,
               .seed = config.train.seed,
               .clip_norm = config.train.clip_norm,
               .compute = config.train.compute},
              device, *setup.plugins, make_optimizer(config, *setup.plugins)),
      schedule(config.schedule),
      batches(data::BatchSource(dataset.split("train"), {.shape = batch_shape(config.data),
                                                         .shuffle = config.data.shuffle,
                                                         .reset_state = config.data.reset_state,
                                                         .seed = config.train.seed})),
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
      "step {}: the loss is {}, the balance loss {}, the gradient norm {}; first seen in {}",
      step + 1, outcome.task_loss(), outcome.aux_loss, outcome.grad_norm,
      place.empty() ? "the loss" : place);
  learner.drop_gradients();
  if (config.train.on_nonfinite == NonfinitePolicy::kStop) {
    listener.on_event(step + 1, kErrorLevel, "nonfinite", message);
    core::fail(core::ErrorCode::kNumeric,
               "{}; lower schedule.learning_rate or train.clip_norm, or set train.on_nonfinite = "
               "\"skip_step\"",
               message);
  }
  listener.on_event(step + 1, kWarning, "nonfinite_step_skipped", message + "; step skipped");
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
    expert_statistics.report(step, learner.model().moe_layers(), device, listener);
  }
}

EvaluationReport Trainer::Impl::evaluate(std::string_view split, int64_t max_words,
                                         const EvaluatedBatchFunction& each) {
  const int64_t begin_ns = clock.monotonic_ns();
  data::EvaluationSource source(dataset.split(split), {.shape = batch_shape(config.data),
                                                       .reset_state = config.data.reset_state,
                                                       .max_words = max_words});
  models::CarriedState state = learner.fresh_state(config.data.batch_size);
  data::Batch batch;
  double nll = 0.0;
  int64_t num_words = 0;
  while (source.next(batch)) {
    nll += learner.evaluate(batch, state);
    num_words += batch.num_words;
    if (each) {
      each({.batch = batch, .positions = source.positions()});
    }
  }
  return {.step = step,
          .split = split,
          .nll_per_word = nll / static_cast<double>(std::max<int64_t>(num_words, 1)),
          .num_words = num_words,
          .seconds = seconds_between(begin_ns, clock.monotonic_ns())};
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

std::vector<checkpoint::NamedTensor> Trainer::Impl::model_tensors() {
  std::vector<checkpoint::NamedTensor> tensors;
  for (const tensor::Parameter& parameter : learner.parameters().all()) {
    tensors.push_back({.name = parameter.name, .tensor = parameter.value});
  }
  return tensors;
}

std::vector<checkpoint::NamedTensor> Trainer::Impl::optimizer_tensors() {
  std::vector<checkpoint::NamedTensor> tensors;
  for (const optim::StateTensor* state : learner.optimizer().state()) {
    tensors.push_back({.name = state->name, .tensor = state->value});
  }
  return tensors;
}

std::vector<checkpoint::NamedTensor> Trainer::Impl::state_tensors() {
  std::vector<checkpoint::NamedTensor> tensors;
  for (const layers::RecurrentState& state : learner.state()) {
    tensors.push_back({.name = state.name + ".h", .tensor = state.h});
    tensors.push_back({.name = state.name + ".c", .tensor = state.c});
  }
  return tensors;
}

checkpoint::CheckpointContents Trainer::Impl::contents() {
  const ComponentStates components = ComponentStates::saved_by(learner.opaque_states());
  const TrainerState state = {.cursor = batches.cursor(),
                              .best_nll_per_word = best_nll_per_word,
                              .best_step = best_step,
                              .reductions = reductions,
                              .components = components.records()};
  std::vector<checkpoint::NamedTensor> carried = state_tensors();
  carried.insert(carried.end(), components.tensors().begin(), components.tensors().end());
  return {.step = step,
          .config_toml = setup.config_toml,
          .state_json = state.to_json(),
          .model = model_tensors(),
          .optimizer = optimizer_tensors(),
          .state = std::move(carried),
          .plugins = plugins_in_use(),
          .data_hash = dataset.data_hash(),
          .vocabulary_hash = dataset.manifest().vocabulary_sha256,
          .engine_version = core::kVersion};
}

std::vector<checkpoint::PluginIdentity> Trainer::Impl::plugins_in_use() const {
  std::vector<checkpoint::PluginIdentity> plugins;
  for (const plugin_host::ComponentIdentity& used : setup.plugins->identities_in_use()) {
    plugins.push_back({.kind = std::string(plugin_host::name_of(used.kind)),
                       .id = used.component_id,
                       .version = used.component_version,
                       .sha256 = used.sha256});
  }
  return plugins;
}

void Trainer::Impl::save() {
  listener.before_checkpoint(step);
  const checkpoint::SavedCheckpoint saved = store.save(contents());
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

// A full disk does not end a run: the older checkpoints are whole and the next save may succeed.
void Trainer::Impl::save_if_possible() {
  try {
    save();
    failed_saves = 0;
  } catch (const core::Error& e) {
    ++failed_saves;
    listener.on_event(step, kErrorLevel, "checkpoint_failed", e.what());
    if (failed_saves >= kMaxFailedSaves) {
      core::fail(e.code(),
                 "{}; {} checkpoints in a row could not be saved, the run stops at step {}",
                 e.what(), failed_saves, step);
    }
  }
}

void Trainer::Impl::warn_of_other_plugins(const checkpoint::CheckpointReader& reader) {
  const std::vector<checkpoint::PluginIdentity> now = plugins_in_use();
  for (const checkpoint::PluginIdentity& then : reader.manifest().plugins) {
    const auto same_id = std::find_if(now.begin(), now.end(), [&](const auto& p) {
      return p.kind == then.kind && p.id == then.id;
    });
    core::require(same_id != now.end(),
                  "the checkpoint was made with the {} '{}', the configuration names another one",
                  then.kind, then.id);
    if (same_id->sha256 != then.sha256) {
      listener.on_event(reader.step(), kWarning, "plugin_changed",
                        fmt::format("{} '{}' {} of the checkpoint is another file than today's {}: "
                                    "the run may not continue bit for bit",
                                    then.kind, then.id, then.version, same_id->version));
    }
  }
}

void Trainer::Impl::restore(const checkpoint::CheckpointReader& reader) {
  core::require(reader.manifest().data_hash == dataset.data_hash(),
                "the checkpoint {} was trained on other data: its data hash is {}, that of {} is "
                "{}; set data.path to the data set of the run",
                reader.directory().string(), reader.manifest().data_hash,
                dataset.directory().string(), dataset.data_hash());
  warn_of_other_plugins(reader);
  reader.read_into(checkpoint::Part::kModel, model_tensors());
  reader.read_into(checkpoint::Part::kOptimizer, optimizer_tensors());
  const TrainerState state = TrainerState::from_json(reader.state_json());
  const ComponentStates components =
      ComponentStates::to_read(state.components, reader.file(checkpoint::Part::kState).entries());
  std::vector<checkpoint::NamedTensor> carried = state_tensors();
  carried.insert(carried.end(), components.tensors().begin(), components.tensors().end());
  reader.read_into(checkpoint::Part::kState, carried);
  for (const std::string& name : components.load_into(learner.opaque_states())) {
    listener.on_event(reader.step(), kWarning, "component_state_missing",
                      name +
                          " keeps state outside of tensors, of which the checkpoint has none: "
                          "the run may not continue bit for bit");
  }
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
    impl_->listener.on_event(d.step, kErrorLevel, "checkpoint_damaged",
                             fmt::format("{} is damaged and was not used: {}", d.name, d.message));
  });
  if (!reader) {
    return -1;
  }
  impl_->restore(*reader);
  return impl_->step;
}

void Trainer::restore(const std::filesystem::path& checkpoint) {
  impl_->restore(checkpoint::CheckpointReader(impl_->files, checkpoint));
}

StopReason Trainer::train(const core::CancelToken& cancel) {
  return train(cancel, impl_->config.train.steps);
}

StopReason Trainer::train(const core::CancelToken& cancel, int64_t until_step) {
  Impl& run = *impl_;
  for (const std::string& name : run.store.sweep()) {
    run.listener.on_event(run.step, kInfo, "checkpoint_swept",
                          name + " was left by a killed process");
  }
  if (run.config.checkpoint.at_start && run.step == 0 && run.saved_step < 0) {
    run.save_if_possible();
  }
  while (run.step < run.config.train.steps) {
    if (cancel.requested()) {
      run.save();
      return StopReason::kCancelled;
    }
    if (run.step >= until_step) {
      return StopReason::kPaused;
    }
    run.take_step();
    const bool is_last = run.step == run.config.train.steps;
    if (is_last || is_due(run.step, run.config.train.evaluate_every_steps)) {
      run.evaluate_for_best();
    }
    if (!is_last && is_due(run.step, run.config.checkpoint.every_steps)) {
      run.save_if_possible();
    }
  }
  if (run.saved_step != run.step) {
    run.save();
  }
  return StopReason::kFinished;
}

EvaluationReport Trainer::evaluate(std::string_view split) {
  EvaluationReport report = impl_->evaluate(split, 0);
  impl_->listener.on_evaluation(report);
  return report;
}

EvaluationReport Trainer::evaluate(std::string_view split, int64_t max_words,
                                   const EvaluatedBatchFunction& each) {
  return impl_->evaluate(split, max_words, each);
}

const std::vector<layers::Routed*>& Trainer::moe_layers() const {
  return impl_->learner.model().moe_layers();
}

void Trainer::generate(const GenerateOptions& options,
                       const std::function<void(std::string_view)>& word) {
  Impl& run = *impl_;
  auto text = run.learner.begin_decoding(1);
  const auto logits_after = [&](int32_t token) { return run.learner.decode(*text, {&token, 1}); };
  const core::RngKey key =
      core::rng_key(options.seed, "generate", static_cast<uint32_t>(core::RngPurpose::kSample));
  tensor::Tensor logits = logits_after(data::Vocabulary::kSentenceMark);
  for (const int32_t given : run.dataset.encode(options.prompt)) {
    word(run.dataset.vocabulary().word(given));
    logits = logits_after(given);
  }
  for (int64_t i = 0; i < options.max_words; ++i) {
    const double uniform = core::unit_float(core::random_word(key, {}, static_cast<uint64_t>(i)));
    const int32_t token =
        sample_word(run.device.read_back<float>(logits),
                    {.temperature = options.temperature, .top_k = options.top_k}, uniform);
    word(run.dataset.vocabulary().word(token));
    const bool at_end = token == data::Vocabulary::kSentenceMark;
    if (at_end && !options.past_end) {
      return;
    }
    if (at_end && run.config.data.reset_state) {
      text = run.learner.begin_decoding(1);
    }
    logits = logits_after(token);
  }
}

}  // namespace switchyard::trainer
