#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "config/run_config.h"
#include "plugin_host/plugin_registry.h"
#include "trainer/trainer.h"

namespace switchyard::run {

/// The model of a run, loaded from a checkpoint to be evaluated or sampled. Changes nothing in the
/// run, which may still be going on.
class TrainedModel {
 public:
  /// Loads checkpoints/step-N, or the newest one if step < 0. `log` receives the engine's messages.
  /// Throws Error(kNotFound) if there is no run or no such checkpoint.
  TrainedModel(const std::filesystem::path& run_directory, int64_t step, core::LogSink log);

  [[nodiscard]] trainer::Trainer& trainer() { return *trainer_; }
  [[nodiscard]] const config::RunConfig& config() const { return config_; }

 private:
  config::RunConfig config_;
  plugin_host::PluginRegistry plugins_;
  std::unique_ptr<trainer::Trainer> trainer_;
};

}  // namespace switchyard::run
