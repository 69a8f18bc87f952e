#pragma once

#include <memory>
#include <string>

#include "layers/pass.h"
#include "layers/step_memory.h"
#include "tensor/tensor.h"

namespace switchyard::layers {

/// What the layers need to know of a batch besides their input. Undefined tensors are not known.
struct SequenceInfo {
  int64_t num_streams = 0;  // B
  int64_t num_steps = 0;    // S; rows are stream-major: row b * S + s
  tensor::Tensor resets;    // [B, S] u8, 1: the recurrent state is zero before this token
  tensor::Tensor tokens;    // [B * S] i32, word ids
  tensor::Tensor mask;      // [B * S] u8, 0: padding, which no expert sees
};

/// The recurrent state of one layer, carried from batch to batch. Zero at first.
struct RecurrentState {
  std::string name;  // of the layer
  tensor::Tensor h;  // [B, outputs], the last output
  tensor::Tensor c;  // [B, units]
};

/// What a layer with a recurrent state is besides.
class Recurrent {
 public:
  virtual ~Recurrent() = default;

  [[nodiscard]] virtual int64_t units() const = 0;    // cells, the width of c
  [[nodiscard]] virtual int64_t outputs() const = 0;  // the width of h
  /// Which state the next forward passes use; it must outlive them.
  virtual void bind_state(RecurrentState& state) = 0;
};

/// A layer between the embedding and the softmax: [tokens, d_model] to [tokens, d_model].
class Layer {
 public:
  virtual ~Layer() = default;

  /// Saves in `pass` what backward() needs.
  [[nodiscard]] virtual tensor::Tensor forward(const tensor::Tensor& x,
                                               const SequenceInfo& sequence, Pass& pass) = 0;

  /// Adds to the gradients of the layer's parameters (see layers/gradient.h), and to grad_x.
  virtual void backward(const tensor::Tensor& grad_y, const SequenceInfo& sequence,
                        const tensor::Tensor& grad_x, Pass& pass) = 0;

  [[nodiscard]] virtual const std::string& name() const = 0;
  /// Multiply-and-adds of one token's forward pass.
  [[nodiscard]] virtual double madds_per_token() const = 0;
  /// What a training step of so many streams and steps takes.
  [[nodiscard]] virtual StepMemory step_memory(int64_t num_streams, int64_t num_steps) const = 0;
};

}  // namespace switchyard::layers
