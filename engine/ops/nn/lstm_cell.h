#pragma once

#include "ops/backend.h"
#include "tensor/arena.h"
#include "tensor/out.h"
#include "tensor/tensor.h"

namespace switchyard::ops::nn {

/// One step of B LSTM cells of U units, given their pre-activations. All f32; rows are contiguous,
/// with any stride between them.
struct LstmCellTensors {
  tensor::Tensor gates;  // [B, 4 U]  pre-activations without bias, columns in the order i, j, f, o
  tensor::Tensor bias;   // [4 U]
  tensor::Tensor keep;   // [B]       1, or 0 where c is zero before this step
  tensor::Tensor c_before;   // [B, U]
  tensor::Tensor c;          // [B, U]
  tensor::Tensor h;          // [B, U]
  float forget_bias = 1.0F;  // phi
};

/// Fills c and h, and leaves the gate activations in place of their pre-activations:
///
///   [i j f o] = gates + b
///   c_t = sigmoid(f + phi) keep c_{t-1} + sigmoid(i) tanh(j)
///   h_t = sigmoid(o) tanh(c_t)
///
/// Throws Error(kInvalidArgument) for shapes that do not fit. lstm() runs the same step with
/// pre-activations from a matrix; see there for the source.
void lstm_cell(const Backend& backend, const LstmCellTensors& tensors);

/// Leaves the gradient of the pre-activations in place of the gate activations. grad_h [B, U] is
/// the whole gradient of h; grad_c [B, U] holds that of c, which becomes that of c_before.
void lstm_cell_grad(const Backend& backend, const LstmCellTensors& tensors,
                    const tensor::Tensor& grad_h, tensor::Arena& scratch, tensor::Out grad_c);

}  // namespace switchyard::ops::nn
