#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>
#include <vector>

#include "config/run_config.h"
#include "data/dataset.h"
#include "plugin_host/plugin_registry.h"
#include "trainer/evaluation.h"
#include "trainer/generation.h"
#include "trainer/learner.h"

namespace switchyard::run {

/// The model of a run, loaded from a checkpoint to be evaluated or sampled, without an optimizer or
/// gradients. Changes nothing in the run, which may still be going on. Threads: [inst].
class TrainedModel {
 public:
  /// Loads checkpoints/step-N, or the newest one if step < 0. `log` receives the engine's messages.
  /// Throws Error(kNotFound) if there is no run or no such checkpoint.
  TrainedModel(const std::filesystem::path& run_directory, int64_t step, core::LogSink log);

  /// Full-softmax negative log-likelihood of about the first max_words words of a split (0 = all).
  /// `each` may look at the batches and at what the MoE layers did with them.
  [[nodiscard]] trainer::EvaluationReport evaluate(
      std::string_view split, int64_t max_words = 0,
      const trainer::EvaluatedBatchFunction& each = {});
  /// Samples words and hands each to `word` as it comes.
  void generate(const trainer::GenerateOptions& options,
                const std::function<void(std::string_view)>& word);

  /// Of the checkpoint.
  [[nodiscard]] int64_t step() const { return step_; }
  /// The model's MoE layers, first to last.
  [[nodiscard]] const std::vector<layers::Routed*>& moe_layers() {
    return learner_.model().moe_layers();
  }
  [[nodiscard]] const data::Dataset& dataset() const { return dataset_; }

 private:
  config::RunConfig config_;
  plugin_host::PluginRegistry plugins_;
  std::filesystem::path checkpoint_;
  data::Dataset dataset_;
  core::ThreadPool threads_;
  tensor::CpuDevice device_;
  trainer::Learner learner_;
  int64_t step_ = -1;
};

}  // namespace switchyard::run
