#pragma once

#include <optional>
#include <string>

#include "layers/layer.h"
#include "layers/lstm.h"
#include "layers/moe/mixture.h"
#include "layers/moe/routed.h"
#include "layers/segments.h"

namespace switchyard::layers {

/// An LSTM layer with a mixture of experts as its kernel.
struct RecurrentMoeConfig {
  LstmConfig lstm;
  MoeConfig moe;
  /// Number of steps that backward recomputes at a time; see Segments.
  int64_t segment = kAutomaticSegment;
};

/// An LSTM layer whose weight matrix is a mixture of experts:
///
///   [i j f o] = MoE([x_t, m_{t-1}]) + b
///   c_t = sigmoid(f + phi) c_{t-1} + sigmoid(i) tanh(j)
///   h_t = sigmoid(o) tanh(c_t)
///   m_t = h_t W_P              or h_t itself without a projection
///
/// The gate's input at step t depends on step t - 1, so the mixture runs S times on one row of each
/// stream; a gate that balances within a batch balances within these B rows. Importance and load
/// are summed over all steps and the balance losses apply to the sums, so the layer computes them
/// rather than the gate. Other losses of a gate are averaged over the steps.
///
/// A training pass keeps the state at the start of every segment of steps (see Segments).
/// backward() repeats a segment at a time, with the same random numbers, so it needs the
/// activations of one segment.
///
/// Source: Shazeer et al. 2017, section 3.1.
class RecurrentMoe final : public Layer, public Recurrent, public Routed {
 public:
  /// Makes a Mixture from d_in + outputs to 4 units values per row, and registers "<name>.bias" [4
  /// units] and, with a projection, "<name>.projection" [units, outputs]. Throws
  /// Error(kInvalidArgument) if the gate is to compute the balance losses or experts are to be
  /// updated in backward, and what Mixture throws.
  RecurrentMoe(std::string name, int32_t index, const RecurrentMoeConfig& config,
               ComponentFactory& factory, tensor::ParameterSet& parameters);

  /// x [B * S, d_in]  ->  [B * S, outputs]; updates sequence.state, which must not be null.
  [[nodiscard]] tensor::Tensor forward(const tensor::Tensor& x, const SequenceInfo& sequence,
                                       Pass& pass) override;
  void backward(const tensor::Tensor& grad_y, const SequenceInfo& sequence,
                const tensor::Tensor& grad_x, Pass& pass) override;

  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] double madds_per_token() const override;
  [[nodiscard]] StepMemory step_memory(int64_t num_streams, int64_t num_steps) const override;

  [[nodiscard]] int64_t units() const override { return bias_->shape[0] / 4; }
  [[nodiscard]] int64_t outputs() const override {
    return projection_ ? projection_->shape[1] : units();
  }

  [[nodiscard]] bool has_gate() const override { return mixture_.has_gate(); }
  [[nodiscard]] int64_t num_experts() const override { return mixture_.num_experts(); }
  [[nodiscard]] double experts_per_token() const override { return mixture_.experts_per_row(); }
  void step_end(Pass& pass) override { mixture_.step_end(pass); }

 private:
  /// The state between two steps.
  struct State {
    tensor::Tensor m;  // [B, P]
    tensor::Tensor c;  // [B, U]
  };
  struct Batch;
  struct Notes;

  [[nodiscard]] Batch begin(const tensor::Tensor& x, const SequenceInfo& sequence,
                            Pass& pass) const;
  /// Runs the steps of a segment and stores the state after them. `notes` is null when a segment is
  /// repeated.
  void run(const Batch& batch, const Segments::Range& segment, const Notes* notes, Pass& pass);
  [[nodiscard]] State run_step(const Batch& batch, int64_t step, const State& before,
                               const Notes* notes, Pass& pass);
  [[nodiscard]] tensor::Tensor project(const tensor::Tensor& h, Pass& pass) const;
  /// `carried` is the gradient of the state after the step and becomes that of the state before.
  void backward_step(const Batch& batch, int64_t step, const tensor::Tensor& grad_y,
                     const GateGrad& asked, const State& carried, const tensor::Tensor& grad_x,
                     Pass& pass);
  [[nodiscard]] tensor::Tensor backward_projection(const tensor::Tensor& h,
                                                   const tensor::Tensor& grad_m, Pass& pass);
  [[nodiscard]] GateGrad asked_of_gate(const Batch& batch, Pass& pass) const;

  std::string name_;
  float forget_bias_;
  int64_t segment_;
  Mixture mixture_;
  tensor::Parameter* bias_;
  tensor::Parameter* projection_ = nullptr;  // null: none
  std::optional<Balance> balance_;           // empty without a gate
};

}  // namespace switchyard::layers
