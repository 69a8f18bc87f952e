#pragma once

#include <memory>
#include <string>

#include "layers/pass.h"
#include "layers/step_memory.h"
#include "tensor/tensor.h"

namespace switchyard::layers {

/// The recurrent state of one layer, carried from batch to batch. Zero at first.
struct RecurrentState {
  std::string name;  // of the layer
  tensor::Tensor h;  // [B, outputs], the last output
  tensor::Tensor c;  // [B, units]
};

/// Information about a batch that layers receive with their input. An undefined tensor means: not
/// available.
struct SequenceInfo {
  int64_t num_streams = 0;  // B
  int64_t num_steps = 0;    // S; rows are stream-major: row b * S + s
  tensor::Tensor resets;    // [B, S] u8, 1: the recurrent state is zero before this token
  tensor::Tensor tokens;    // [B * S] i32, word ids
  tensor::Tensor mask;      // [B * S] u8, 0: padding, which no expert sees
  tensor::Tensor streams;   // [B * S] i32, the stream of each token, 0 ... B - 1
  // The state of the layer that is called, if it is Recurrent: forward() reads it before the first
  // step and writes it after the last; backward() does not need it.
  RecurrentState* state = nullptr;
};

/// Interface of layers that carry a recurrent state.
class Recurrent {
 public:
  virtual ~Recurrent() = default;

  [[nodiscard]] virtual int64_t units() const = 0;    // cells, the width of c
  [[nodiscard]] virtual int64_t outputs() const = 0;  // the width of h
};

/// A layer between the embedding and the softmax: [tokens, d_model] to [tokens, d_model].
class Layer {
 public:
  virtual ~Layer() = default;

  /// Returns [tokens, d_model] and keeps in `pass` what backward() needs.
  [[nodiscard]] virtual tensor::Tensor forward(const tensor::Tensor& x,
                                               const SequenceInfo& sequence, Pass& pass) = 0;

  /// Adds to the gradients of the layer's parameters (see layers/gradient.h), and to grad_x.
  virtual void backward(const tensor::Tensor& grad_y, const SequenceInfo& sequence,
                        const tensor::Tensor& grad_x, Pass& pass) = 0;

  [[nodiscard]] virtual const std::string& name() const = 0;
  /// Multiply-and-adds of one token's forward pass.
  [[nodiscard]] virtual double madds_per_token() const = 0;
  /// Memory that a training step needs for this batch shape.
  [[nodiscard]] virtual StepMemory step_memory(int64_t num_streams, int64_t num_steps) const = 0;
};

}  // namespace switchyard::layers
