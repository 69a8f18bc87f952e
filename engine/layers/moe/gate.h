#pragma once

#include "layers/pass.h"
#include "layers/step_memory.h"
#include "tensor/tensor.h"

namespace switchyard::layers {

/// What a gate decides for one batch: T tokens, K experts per token, E experts over all ranks.
struct Routing {
  tensor::Tensor expert_index;  // [T, K] i32, global expert ids, -1 = empty slot
  tensor::Tensor gate_weight;   // [T, K] f32
  tensor::Tensor importance;    // [E]    f32, sum of gate weights per expert
  tensor::Tensor load;          // [E]    f32, smooth count of tokens per expert
  tensor::Tensor aux_loss;      // [1]    f32, already weighted; add it to the task loss
};

struct GateInput {
  tensor::Tensor x;          // [T, d_model]
  tensor::Tensor mask;       // [T] u8, 0 = padding; undefined: all are real
  tensor::Tensor token_ids;  // [T] i32 vocabulary ids; undefined: not known
};

struct GateGrad {
  tensor::Tensor grad_gate_weight;  // [T, K], of the task loss
  tensor::Tensor grad_aux_loss;     // [1], usually 1
  tensor::Tensor grad_x;            // [T, d_model]: the gate adds to it
  // What the caller asks of the balance (balance.h), in addition; undefined: zero.
  tensor::Tensor grad_importance;  // [E]
  tensor::Tensor grad_load;        // [E]; no use where the gate's load is a hard count
};

/// Chooses experts for tokens. Every gate is a plugin (sdk/include/switchyard/component/gate.h);
/// engine/plugin_host makes one of these from it, and TwoLevelGate composes them.
/// Threads: [inst].
class Gate {
 public:
  virtual ~Gate() = default;

  /// K, the slots per token.
  [[nodiscard]] virtual int64_t top_k() const = 0;

  /// How many of those slots are filled on average.
  [[nodiscard]] virtual double experts_per_token() const { return static_cast<double>(top_k()); }

  /// Fills `routing`, whose tensors the caller has taken and zeroed. Noise only in Mode::kTrain.
  virtual void forward(const GateInput& input, const Routing& routing, Pass& pass) = 0;

  /// Adds to the gradients of the gate's parameters, those of aux_loss too, and to grad.grad_x.
  virtual void backward(const GateInput& input, const Routing& routing, const GateGrad& grad,
                        Pass& pass) = 0;

  /// After the optimizer's step.
  virtual void step_end(Pass& pass) = 0;

  /// Multiply-and-adds of one row's forward pass.
  [[nodiscard]] virtual double madds_per_row() const = 0;
  /// What a training step of that many rows takes.
  [[nodiscard]] virtual StepMemory step_memory(int64_t num_rows) const = 0;
};

}  // namespace switchyard::layers
