#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/log.h"

namespace switchyard::trainer {

/// The result of one optimizer step.
struct StepReport {
  int64_t step = 0;        // from 1
  double task_loss = 0.0;  // nats per word
  double aux_loss = 0.0;   // balance losses, weighted
  double learning_rate = 0.0;
  double grad_norm = 0.0;  // before clipping
  int64_t num_words = 0;   // of this step
  double seconds = 0.0;    // wall time of this step
  int64_t utc_ns = 0;
  int64_t monotonic_ns = 0;
};

/// The experts of one MoE layer at one step.
struct ExpertReport {
  int64_t step = 0;
  std::string_view layer;             // "moe"
  int64_t top_k = 0;                  // experts per token, on average and rounded
  std::span<const float> importance;  // [E]
  std::span<const float> load;        // [E], smooth where the gate offers it
  std::span<const int32_t> tokens;    // [E], hard counts
  double gate_entropy = 0.0;          // mean over tokens, nats
};

/// One evaluation of a split.
struct EvaluationReport {
  int64_t step = 0;
  std::string_view split;  // "valid", "test"
  double nll_per_word = 0.0;
  int64_t num_words = 0;
  double seconds = 0.0;
};

/// A checkpoint that was saved.
struct CheckpointReport {
  int64_t step = 0;
  std::string directory;  // relative to the run directory: "checkpoints/step-200"
  int64_t bytes = 0;
  std::vector<uint8_t> manifest_sha256;
  std::vector<std::string> removed;  // directories that retention deleted
};

/// A number that a plugin or a layer reports.
struct MetricReport {
  int64_t step = 0;
  std::string_view name;
  double value = 0.0;
};

/// Receives the events of a trainer, for storage, progress bars and reports. Called on the
/// trainer's thread; must return quickly. Views in the reports live only for the call.
class RunListener {
 public:
  virtual ~RunListener() = default;
  virtual void on_step(const StepReport&) {}
  virtual void on_experts(const ExpertReport&) {}
  virtual void on_metric(const MetricReport&) {}
  virtual void on_evaluation(const EvaluationReport&) {}
  /// A checkpoint of this step is about to be published. All earlier reports must survive a kill
  /// from here on, because a resumed run will not repeat them.
  virtual void before_checkpoint(int64_t step) { (void)step; }
  virtual void on_checkpoint(const CheckpointReport&) {}
  /// `code` is stable, such as "checkpoint_failed".
  virtual void on_event(int64_t step, core::LogLevel level, std::string_view code,
                        std::string_view message) {
    (void)step, (void)level, (void)code, (void)message;
  }
};

}  // namespace switchyard::trainer
