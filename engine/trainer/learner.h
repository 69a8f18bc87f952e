#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/batch.h"
#include "layers/workspace.h"
#include "models/model.h"
#include "models/model_config.h"
#include "optim/optimizer.h"
#include "trainer/backward_updater.h"
#include "trainer/trainer_config.h"

namespace switchyard::trainer {

/// The settings of a learner.
struct LearnerConfig {
  models::ModelConfig model;
  int64_t batch_size = 64;  // streams of the carried state
  uint64_t seed = 1;
  double clip_norm = 0.0;                       // 0 = off
  tensor::DType compute = tensor::DType::kF32;  // see ops::Backend
};

/// The settings of a run that its learner needs.
[[nodiscard]] LearnerConfig learner_config(const TrainerConfig& config);
/// The same, completed from the data set. Throws what models::with_vocabulary() throws.
[[nodiscard]] LearnerConfig learner_config(const TrainerConfig& config,
                                           const data::Dataset& dataset);

/// Losses and gradient norm of one step.
struct StepOutcome {
  double nll = 0.0;  // sum over words, nats
  double aux_loss = 0.0;
  double grad_norm = 0.0;  // before clipping
  int64_t num_words = 0;

  [[nodiscard]] bool is_finite() const;
  [[nodiscard]] double task_loss() const {
    return num_words > 0 ? nll / static_cast<double>(num_words) : 0.0;
  }
};

/// Bytes that a learner holds.
struct LearnerMemory {
  double parameters = 0.0;
  double gradients = 0.0;
  double optimizer_state = 0.0;
  double activations = 0.0;  // with the recurrent state
  double scratch = 0.0;

  [[nodiscard]] double total() const {
    return parameters + gradients + optimizer_state + activations + scratch;
  }
};

/// One model with its parameters, optimizer, recurrent state and working memory: everything that
/// steps need, but not when they happen. Without an optimizer it evaluates and decodes, and holds
/// neither gradients nor the state carried between training batches. After the first steps a step
/// allocates nothing. Threads: [inst].
class Learner {
 public:
  /// `optimizer` may be null. Takes no memory for parameters yet, so that a model can be described.
  /// The device must outlive the learner.
  Learner(const LearnerConfig& config, tensor::Device& device, layers::ComponentFactory& factory,
          std::unique_ptr<optim::Optimizer> optimizer);

  /// Takes memory and fills the parameters with their initial values.
  void allocate();

  /// Forward and backward of one batch: computes gradients without updating parameters. The loss is
  /// the mean negative log-likelihood per word plus the balance losses. Parameters that are updated
  /// in backward are updated here, with `learning_rate` and unclipped; the gradient norm leaves
  /// them out. Throws Error(kNumeric), naming parameter and expert, if such a gradient is not
  /// finite. Needs an optimizer, as update() does.
  StepOutcome compute_gradients(const data::Batch& batch, int64_t step, double learning_rate);
  /// Updates the parameters from the clipped gradients and clears these. The last pass must be the
  /// one that computed them.
  void update(const StepOutcome& outcome, int64_t step, double learning_rate);
  /// Clears the gradients without an update.
  void drop_gradients();

  /// A new state for passes over another text: all zero.
  [[nodiscard]] models::CarriedState fresh_state(int64_t num_streams);
  /// The sum of nll of a batch, without training; updates `state`.
  double evaluate(const data::Batch& batch, models::CarriedState& state);
  /// Starts `num_rows` texts, before their first token; the learner must outlive them.
  [[nodiscard]] std::unique_ptr<models::Decoding> begin_decoding(int64_t num_rows);
  /// Reads one more token of every row. Returns logits [rows, vocab_size] of the words that follow,
  /// valid until the learner's next pass.
  [[nodiscard]] tensor::Tensor decode(models::Decoding& texts, std::span<const int32_t> tokens);

  /// Names the first parameter, in the order of the backward pass, whose gradient or value is not
  /// finite, with the expert where there is one; empty if all are finite.
  [[nodiscard]] std::string find_nonfinite();

  /// The routing of each MoE layer with a gate in the last pass, first to last; valid until the
  /// next pass.
  [[nodiscard]] std::span<const layers::MoeTrace> traces() const {
    return workspace_.pass().traces;
  }

  [[nodiscard]] tensor::Device& device() { return device_; }
  [[nodiscard]] models::Model& model() { return *model_; }
  [[nodiscard]] tensor::ParameterSet& parameters() { return parameters_; }
  [[nodiscard]] bool has_optimizer() const { return optimizer_ != nullptr; }
  [[nodiscard]] optim::Optimizer& optimizer() { return *optimizer_; }
  /// State that gates, experts and optimizers keep outside of tensors.
  [[nodiscard]] std::vector<core::OpaqueState*> opaque_states();
  /// The state carried from training batch to training batch.
  [[nodiscard]] models::CarriedState& state() { return state_; }
  [[nodiscard]] const LearnerConfig& config() const { return config_; }
  /// The memory that steps with sequences of `num_steps` words will need.
  [[nodiscard]] LearnerMemory predicted_memory(int64_t num_steps);

 private:
  LearnerConfig config_;
  tensor::Device& device_;
  ops::Backend backend_;
  layers::Workspace workspace_;
  tensor::ParameterSet parameters_;
  std::unique_ptr<models::Model> model_;
  std::unique_ptr<optim::Optimizer> optimizer_;
  std::optional<BackwardUpdater> backward_updater_;
  models::CarriedState state_;
  tensor::Tensor grad_scale_;    // [1]
  tensor::Tensor unclipped_;     // [1], always 1
  tensor::Tensor squared_norm_;  // [1] f64, of the gradients
};

}  // namespace switchyard::trainer
