#pragma once

#include "ops/backend.h"
#include "tensor/arena.h"
#include "tensor/tensor.h"

namespace switchyard::ops::nn {

/// The tensors of an LSTM layer over B streams of S steps, I inputs, U units. All f32, row-major.
struct LstmTensors {
  tensor::Tensor kernel;   // [I + U, 4 U], columns in the order i, j, f, o
  tensor::Tensor bias;     // [4 U]
  tensor::Tensor resets;   // [B, S] u8, 1: h and c are zero before this step; undefined: never
  tensor::Tensor xh;       // [B, S, I + U]  input beside the previous output
  tensor::Tensor gates;    // [B, S, 4 U]    gate activations
  tensor::Tensor cell;     // [B, S + 1, U]  c, from the one before the first step
  tensor::Tensor y;        // [B, S, U]      h
  tensor::Tensor state_h;  // [B, U]  read before the first step, written after the last
  tensor::Tensor state_c;  // [B, U]
};

/// Fills xh, gates, cell and y from x, and carries the state on.
///
///   [i j f o] = [x_t, h_{t-1}] W + b
///   c_t = sigmoid(f + 1) c_{t-1} + sigmoid(i) tanh(j)
///   h_t = sigmoid(o) tanh(c_t)
///
///   x  [B, S, I]
///
/// Source: Jozefowicz et al. 2016 (gate order, forget bias 1), as cited by Shazeer et al. 2017,
/// C.1.
void lstm(const Backend& backend, const tensor::Tensor& x, const LstmTensors& tensors);

/// Where the gradients of an LSTM layer go.
struct LstmGrads {
  tensor::Tensor kernel;  // [I + U, 4 U], added to
  tensor::Tensor bias;    // [4 U], added to
  tensor::Tensor x;       // [B, S, I], added to
};

/// The gradients of lstm() from grad_y [B, S, U]; destroys gates. No gradient flows into the state
/// before the first step.
void lstm_grad(const Backend& backend, const tensor::Tensor& grad_y, const LstmTensors& tensors,
               const LstmGrads& grads, tensor::Arena& scratch);

}  // namespace switchyard::ops::nn
