#pragma once

#include "layers/moe/routing.h"
#include "layers/pass.h"
#include "layers/step_memory.h"
#include "tensor/tensor.h"

namespace switchyard::layers {

/// The extents of a routing.
struct RoutingShape {
  tensor::Shape choices;  // [T, K]
  tensor::Shape experts;  // [E], or [a, E] for a gates side by side
  int64_t num_losses = 1;
};

/// Takes the tensors of a routing, all zero.
[[nodiscard]] Routing take_routing(const RoutingShape& shape, Pass& pass);

/// The input of a gate: one batch of T tokens.
struct GateInput {
  tensor::Tensor x;          // [T, d_model]
  tensor::Tensor mask;       // [T] u8, 0 = padding; undefined: all are real
  tensor::Tensor token_ids;  // [T] i32 vocabulary ids; undefined: not available
  tensor::Tensor sequence;   // [T] i32 stream of each token, from 0; undefined: not available
};

/// The gradients that a gate's backward pass receives, and the one that it adds to.
struct GateGrad {
  tensor::Tensor grad_gate_weight;  // [T, K], of the task loss
  tensor::Tensor grad_aux_loss;     // [1], usually 1
  tensor::Tensor grad_x;            // [T, d_model]: the gate adds to it
  // Gradients of the caller's own balance losses (balance.h), in addition; undefined: zero.
  tensor::Tensor grad_importance;  // [E]
  tensor::Tensor grad_load;        // [E]; ignored if the gate's load is a hard count
};

/// Chooses experts for tokens. Every gate is a plugin (sdk/include/switchyard/component/gate.h);
/// engine/plugin_host makes one of these from it, and TwoLevelGate composes them.
/// Threads: [inst].
class Gate {
 public:
  virtual ~Gate() = default;

  /// K, the slots per token.
  [[nodiscard]] virtual int64_t top_k() const = 0;

  /// The number of slots that are filled on average.
  [[nodiscard]] virtual double experts_per_token() const { return static_cast<double>(top_k()); }

  /// Writes the tensors of `routing`, which the caller has taken and zeroed. Noise only in
  /// Mode::kTrain.
  virtual void forward(const GateInput& input, Routing& routing, Pass& pass) = 0;

  /// Adds to the gradients of the gate's parameters, those of aux_loss too, and to grad.grad_x.
  virtual void backward(const GateInput& input, const Routing& routing, const GateGrad& grad,
                        Pass& pass) = 0;

  /// After the optimizer's step.
  virtual void step_end(Pass& pass) = 0;

  /// Multiply-and-adds of one row's forward pass.
  [[nodiscard]] virtual double madds_per_row() const = 0;
  /// Memory that a training step of `num_rows` rows needs.
  [[nodiscard]] virtual StepMemory step_memory(int64_t num_rows) const = 0;
};

}  // namespace switchyard::layers
