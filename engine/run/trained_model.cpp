#include "run/trained_model.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "checkpoint/checkpoint_reader.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/file_system.h"
#include "process/run_directory.h"
#include "run/program.h"
#include "trainer/snapshot.h"

namespace switchyard::run {
namespace {

config::RunConfig config_of(const std::filesystem::path& directory) {
  process::require_run(directory);
  return config::load_run_config(process::RunPaths{directory}.config(), {});
}

/// The checkpoint of a step; -1 means the newest.
std::filesystem::path checkpoint_of(const std::filesystem::path& directory, int64_t step) {
  const std::vector<process::CheckpointPlace> places = process::list_checkpoints(directory);
  if (places.empty()) {
    core::fail(core::ErrorCode::kNotFound, "the run in {} has no checkpoint yet",
               directory.string());
  }
  if (step < 0) {
    return places.back().path;
  }
  std::vector<int64_t> steps;
  for (const process::CheckpointPlace& place : places) {
    if (place.step == step) {
      return place.path;
    }
    steps.push_back(place.step);
  }
  core::fail(core::ErrorCode::kNotFound, "there is no checkpoint of step {} in {}; there are {}",
             step, directory.string(), fmt::join(steps, ", "));
}

}  // namespace

TrainedModel::TrainedModel(const std::filesystem::path& run_directory, int64_t step,
                           core::LogSink log)
    : config_(config_of(run_directory)),
      plugins_(plugin_options(config_.plugin_directories, std::move(log))),
      checkpoint_(checkpoint_of(run_directory, step)),
      dataset_(config_.trainer.data.path),
      threads_(config_.trainer.train.threads),
      device_(threads_),
      learner_(trainer::learner_config(config_.trainer, dataset_), device_, plugins_, nullptr) {
  learner_.allocate();
  core::PosixFileSystem files;
  const checkpoint::CheckpointReader reader(files, checkpoint_);
  trainer::RunListener silent;
  (void)trainer::Snapshot(learner_, dataset_, plugins_, silent).restore(reader);
  step_ = reader.step();
}

trainer::EvaluationReport TrainedModel::evaluate(std::string_view split, int64_t max_words,
                                                 const trainer::EvaluatedBatchFunction& each) {
  const core::Clock clock;
  trainer::EvaluationReport report = trainer::evaluate(
      learner_,
      {.dataset = dataset_, .split = split, .shape = config_.trainer.data, .max_words = max_words},
      clock, each);
  report.step = step_;
  return report;
}

void TrainedModel::generate(const trainer::GenerateOptions& options,
                            const std::function<void(std::string_view)>& word) {
  trainer::generate(learner_, dataset_, config_.trainer.data.reset_state, options, word);
}

}  // namespace switchyard::run
