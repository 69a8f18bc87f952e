#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "core/cancel.h"
#include "core/clock.h"
#include "core/log.h"
#include "plugin_host/plugin_registry.h"
#include "trainer/run_listener.h"
#include "trainer/trainer_config.h"

namespace switchyard::trainer {

/// Why training ended.
enum class StopReason { kFinished, kCancelled };

/// The inputs of a trainer.
struct TrainerSetup {
  TrainerConfig config;
  std::string config_toml;              // the resolved configuration, kept in every checkpoint
  std::filesystem::path run_directory;  // checkpoints go to run_directory/checkpoints
  plugin_host::PluginRegistry* plugins = nullptr;
  RunListener* listener = nullptr;  // may be null
  const core::Clock* clock = nullptr;
  core::LogSink log;
};

/// Trains and evaluates one model: decides when steps, evaluations and checkpoints happen. Threads:
/// [inst].
class Trainer {
 public:
  /// Builds model and optimizer and opens the data. Throws Error with the reason if it cannot.
  explicit Trainer(TrainerSetup setup);
  ~Trainer();

  /// Number of finished steps.
  [[nodiscard]] int64_t step() const;

  /// Restores the newest intact checkpoint of the run directory; an event reports each damaged one
  /// that it skips. Returns its step, or -1 if there is none. Throws Error(kDamaged) if there are
  /// checkpoints but none is intact, Error(kInvalidArgument) if data or model differ from the
  /// checkpoint's.
  int64_t restore_newest();

  /// Steps until config.train.steps, with evaluations and checkpoints when they are due, and a
  /// checkpoint at the end or when cancelled.
  StopReason train(const core::CancelToken& cancel);
  /// The same, but stops after `step`, without a checkpoint if more steps remain.
  void train_until(int64_t step, const core::CancelToken& cancel);

  /// Full-softmax negative log-likelihood of a split, end of sentence included.
  EvaluationReport evaluate(std::string_view split);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace switchyard::trainer
