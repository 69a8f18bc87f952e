#include "run/trained_model.h"

#include <vector>

#include <fmt/format.h>

#include "core/error.h"
#include "process/run_directory.h"
#include "run/program.h"

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
    : config_(config_of(run_directory)), plugins_(plugin_options(config_.plugin_directories, log)) {
  const std::filesystem::path checkpoint = checkpoint_of(run_directory, step);
  trainer::TrainerSetup setup;
  setup.config = config_.trainer;
  setup.config_toml = config_.settings.to_toml();
  setup.run_directory = run_directory;
  setup.plugins = &plugins_;
  setup.log = std::move(log);
  trainer_ = std::make_unique<trainer::Trainer>(std::move(setup));
  trainer_->restore(checkpoint);
}

}  // namespace switchyard::run
