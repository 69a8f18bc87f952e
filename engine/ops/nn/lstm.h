#pragma once

#include "ops/backend.h"
#include "tensor/arena.h"
#include "tensor/tensor.h"

namespace switchyard::ops::nn {

/// The tensors of an LSTM layer over B streams of S steps, I inputs, U units, P outputs. All f32,
/// row-major. Without a projection P = U, and `projection` and `hidden` are undefined.
struct LstmTensors {
  tensor::Tensor kernel;      // [I + P, 4 U], columns in the order i, j, f, o
  tensor::Tensor bias;        // [4 U]
  tensor::Tensor projection;  // [U, P]
  tensor::Tensor resets;      // [B, S] u8, 1: m and c are zero before this step; undefined: never
  tensor::Tensor xm;          // [S, B, I + P]  input beside the previous output
  tensor::Tensor gates;       // [S, B, 4 U]    gate activations
  tensor::Tensor cell;        // [S + 1, B, U]  c, from the one before the first step
  tensor::Tensor hidden;      // [S, B, U]      h
  tensor::Tensor y;           // [B, S, P]      m
  tensor::Tensor state_m;     // [B, P]  read before the first step, written after the last
  tensor::Tensor state_c;     // [B, U]
  float forget_bias = 1.0F;   // phi
};

/// Writes xm, gates, cell, hidden and y from x, and updates the state.
///
///   [i j f o] = [x_t, m_{t-1}] W + b
///   c_t = sigmoid(f + phi) c_{t-1} + sigmoid(i) tanh(j)
///   h_t = sigmoid(o) tanh(c_t)
///   m_t = h_t W_P              or h_t itself without a projection
///
///   x  [B, S, I]
///
/// Source: Jozefowicz et al. 2016 (gate order, forget bias 1), as cited by Shazeer et al. 2017,
/// C.1; the projection is that of Sak et al. 2014.
void lstm(const Backend& backend, const tensor::Tensor& x, const LstmTensors& tensors,
          tensor::Arena& scratch);

/// The gradients of an LSTM layer.
struct LstmGrads {
  tensor::Tensor kernel;      // [I + P, 4 U], added to kernel_beta times what it holds
  tensor::Tensor bias;        // [4 U], added to
  tensor::Tensor projection;  // [U, P], like kernel; undefined without one
  tensor::Tensor x;           // [B, S, I], added to
  float kernel_beta = 1.0F;   // with 0 the old content is not read
  float projection_beta = 1.0F;
};

/// Computes the gradients of lstm() from grad_y [B, S, P] and overwrites gates. No gradient flows
/// into the state before the first step.
void lstm_grad(const Backend& backend, const tensor::Tensor& grad_y, const LstmTensors& tensors,
               const LstmGrads& grads, tensor::Arena& scratch);

}  // namespace switchyard::ops::nn
