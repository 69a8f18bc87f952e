#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/cancel.h"
#include "core/clock.h"
#include "core/log.h"
#include "data/batch.h"
#include "layers/moe/routed.h"
#include "plugin_host/plugin_registry.h"
#include "trainer/run_listener.h"
#include "trainer/trainer_config.h"

namespace switchyard::trainer {

enum class StopReason { kFinished, kCancelled, kPaused };

/// How to sample a text.
struct GenerateOptions {
  std::string prompt;        // words; empty = start of a sentence
  int64_t max_words = 50;    // stops earlier at the end of a sentence unless `past_end`
  double temperature = 1.0;  // > 0
  int64_t top_k = 0;         // 0 = all words
  uint64_t seed = 1;
  bool past_end = false;
};

/// A batch that has just gone through the model in evaluation mode. Lives for the call only.
struct EvaluatedBatch {
  const data::Batch& batch;
  std::span<const int64_t> positions;  // [B * S], see data::EvaluationSource::positions()
};
using EvaluatedBatchFunction = std::function<void(const EvaluatedBatch&)>;

/// What a trainer needs from outside.
struct TrainerSetup {
  TrainerConfig config;
  std::string config_toml;              // the resolved configuration, kept in every checkpoint
  std::filesystem::path run_directory;  // checkpoints go to run_directory/checkpoints
  plugin_host::PluginRegistry* plugins = nullptr;
  RunListener* listener = nullptr;  // may be null
  const core::Clock* clock = nullptr;
  core::LogSink log;
};

/// Trains, evaluates and samples one language model: when things happen. Threads: [inst].
class Trainer {
 public:
  /// Builds model and optimizer and opens the data. Throws Error with what is wrong.
  explicit Trainer(TrainerSetup setup);
  ~Trainer();

  /// Number of finished steps.
  [[nodiscard]] int64_t step() const;

  /// Restores the newest checkpoint of the run directory that is whole; older ones are tried when
  /// it is damaged (an event says so). Returns its step, or -1 if there is none. Throws
  /// Error(kDamaged) if there are checkpoints and none is whole, Error(kInvalidArgument) if data or
  /// model differ from the checkpoint's.
  int64_t restore_newest();
  /// The same for one checkpoint directory.
  void restore(const std::filesystem::path& checkpoint);

  /// Steps until config.train.steps, with evaluations and checkpoints when they are due, and a
  /// checkpoint at the end or when cancelled.
  StopReason train(const core::CancelToken& cancel);
  /// The same up to that step at most: kPaused, without a checkpoint, if there are more.
  StopReason train(const core::CancelToken& cancel, int64_t until_step);

  /// Full-softmax negative log-likelihood of a split, end of sentence included.
  EvaluationReport evaluate(std::string_view split);
  /// The same for about the first max_words words (0 = all), unheard by the listener; `each` may
  /// look at the batches and at the traces that moe_layers() have of them.
  EvaluationReport evaluate(std::string_view split, int64_t max_words,
                            const EvaluatedBatchFunction& each);
  /// The model's MoE layers, first to last.
  [[nodiscard]] const std::vector<layers::Routed*>& moe_layers() const;

  /// Samples words and hands each to `word` as it comes.
  void generate(const GenerateOptions& options, const std::function<void(std::string_view)>& word);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace switchyard::trainer
