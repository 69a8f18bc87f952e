#pragma once

#include <optional>
#include <string>

#include "layers/layer.h"
#include "layers/lstm.h"
#include "layers/moe/mixture.h"
#include "layers/moe/routed.h"
#include "ops/nn/lstm_cell.h"

namespace switchyard::layers {

inline constexpr int64_t kAutomaticSegment = -1;

/// An LSTM layer with a mixture of experts for a kernel.
struct RecurrentMoeConfig {
  LstmConfig lstm;
  MoeConfig moe;
  /// Steps between the states that a training pass keeps; between them backward computes all
  /// activations again. kAutomaticSegment: the square root of the steps, rounded up. 0: keeps all.
  int64_t segment = kAutomaticSegment;
};

/// An LSTM layer whose weight matrix is a mixture of experts:
///
///   [i j f o] = MoE([x_t, m_{t-1}]) + b
///   c_t = sigmoid(f + phi) c_{t-1} + sigmoid(i) tanh(j)
///   h_t = sigmoid(o) tanh(c_t)
///   m_t = h_t W_P              or h_t itself without a projection
///
/// What the gate sees of step t depends on step t - 1, so the mixture works S times on one row of
/// each stream; a gate that balances within a batch balances within these B rows. Importance and
/// load are sums over all steps, and the balance losses are those of the sums: the layer asks for
/// them, a gate cannot. What else a gate puts into its loss is averaged over the steps.
///
/// A training pass keeps the state at the start of every segment of steps. backward() repeats a
/// segment at a time, with the same random numbers, so it needs the activations of one segment.
///
/// Source: Shazeer et al. 2017, section 3.1 (recurrent MoE); Gruslys et al. 2016, arXiv:1606.03401
/// (recomputation).
class RecurrentMoe final : public Layer, public Recurrent, public Routed {
 public:
  /// Makes what Mixture makes, d_in + outputs wide inwards and 4 units outwards; registers
  /// "<name>.bias" [4 units] and, with a projection, "<name>.projection" [units, outputs].
  /// Throws Error(kInvalidArgument) where the gate is to see to the balance, or experts are to be
  /// updated in backward; and what Mixture throws.
  RecurrentMoe(std::string name, int32_t index, const RecurrentMoeConfig& config,
               ComponentFactory& factory, tensor::ParameterSet& parameters);

  /// x [B * S, d_in]  ->  [B * S, outputs]; reads and carries on the state given by bind_state().
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
  void bind_state(RecurrentState& state) override { state_ = &state; }

  [[nodiscard]] bool has_gate() const override { return mixture_.has_gate(); }
  [[nodiscard]] int64_t num_experts() const override { return mixture_.num_experts(); }
  [[nodiscard]] double experts_per_token() const override { return mixture_.experts_per_row(); }
  [[nodiscard]] const MoeTrace& trace() const override { return trace_; }
  void step_end(Pass& pass) override { mixture_.step_end(pass); }

 private:
  /// The state between two steps.
  struct State {
    tensor::Tensor m;  // [B, P]
    tensor::Tensor c;  // [B, U]
  };
  /// What a batch of B streams and S steps is computed from.
  struct Batch {
    tensor::Tensor x;       // [B, S, I]
    tensor::Tensor keep;    // [B, S]  1, or 0 where the state is reset
    tensor::Tensor tokens;  // [B, S] i32, or undefined
    tensor::Tensor mask;    // [B, S] u8, or undefined
    int64_t segment = 0;    // steps
    // The states before each segment, and that after the last: [segments + 1, B, P] and [.., U].
    tensor::Tensor m;
    tensor::Tensor c;
    // Sums over all steps [E], where the layer asks for balance.
    tensor::Tensor importance;
    tensor::Tensor load;

    [[nodiscard]] int64_t num_steps() const { return keep.size(1); }
    [[nodiscard]] int64_t num_segments() const { return c.size(0) - 1; }
    [[nodiscard]] State before(int64_t of_segment) const {
      return {.m = m.select(0, of_segment), .c = c.select(0, of_segment)};
    }
  };
  /// Where the first forward pass notes what a step gave.
  struct Notes {
    tensor::Tensor y;  // [B, S, P]
    MoeTrace trace;    // of all steps
  };

  [[nodiscard]] int64_t segment_of(int64_t num_steps) const;
  [[nodiscard]] Batch begin(const tensor::Tensor& x, const SequenceInfo& sequence,
                            Pass& pass) const;
  [[nodiscard]] static bool keeps_activations(const Batch& batch, const Pass& pass);
  static void save(const Batch& batch, Pass& pass);
  [[nodiscard]] static Batch restore(Pass& pass);
  [[nodiscard]] Notes take_notes(const Batch& batch, Pass& pass) const;
  void run_segment(const Batch& batch, int64_t segment, const Notes* notes, Pass& pass);
  [[nodiscard]] State run_step(const Batch& batch, int64_t step, const State& before,
                               const Notes* notes, Pass& pass);
  void note(const Notes& notes, int64_t step, const State& after, const Mixture::Output& mixed,
            Pass& pass) const;
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
  RecurrentState* state_ = nullptr;
  MoeTrace trace_;
};

}  // namespace switchyard::layers
