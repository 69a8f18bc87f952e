#include "ops/nn/lstm.h"

#include "ops/generic/affine.h"
#include "ops/kernels.h"
#include "ops/linalg/matmul.h"

namespace switchyard::ops::nn {

namespace {

using linalg::matmul;
using linalg::Transpose;
using tensor::Shape;
using tensor::Tensor;

LstmDims dims(const Backend& backend, const Tensor& x, const LstmTensors& t) {
  core::require(x.dim() == 3 && x.is_contiguous(),
                "lstm: x must be contiguous [streams, steps, inputs], got {}", x.shape());
  const LstmDims n = {.B = x.size(0),
                      .S = x.size(1),
                      .I = x.size(2),
                      .U = t.state_c.size(1),
                      .P = t.state_m.size(1),
                      .forget_bias = t.forget_bias,
                      .compute = backend.compute};
  core::require(t.kernel.shape() == Shape({n.I + n.P, 4 * n.U}) && t.bias.count() == 4 * n.U,
                "lstm: kernel must be [{}, {}], got {}", n.I + n.P, 4 * n.U, t.kernel.shape());
  if (t.projection.defined()) {
    core::require(
        t.projection.shape() == Shape({n.U, n.P}) && t.hidden.shape() == Shape({n.S, n.B, n.U}),
        "lstm: the projection must be [{}, {}], got {}", n.U, n.P, t.projection.shape());
  } else {
    core::require(n.U == n.P,
                  "lstm: without a projection {} units must give as many outputs, got {}", n.U,
                  n.P);
  }
  core::require(
      t.xm.shape() == Shape({n.S, n.B, n.I + n.P}) &&
          t.gates.shape() == Shape({n.S, n.B, 4 * n.U}) &&
          t.cell.shape() == Shape({n.S + 1, n.B, n.U}) && t.y.shape() == Shape({n.B, n.S, n.P}) &&
          t.state_m.shape() == Shape({n.B, n.P}) && t.state_c.shape() == Shape({n.B, n.U}),
      "lstm: buffers do not fit x {}, {} units and {} outputs", x.shape(), n.U, n.P);
  return n;
}

LstmBuffers buffers(const LstmTensors& t) {
  return {.kernel = t.kernel.data<float>(),
          .bias = t.bias.data<float>(),
          .projection = t.projection.defined() ? t.projection.data<float>() : nullptr,
          .resets = t.resets.defined() ? t.resets.data<uint8_t>() : nullptr,
          .xm = t.xm.data<float>(),
          .gates = t.gates.data<float>(),
          .cell = t.cell.data<float>(),
          .hidden = t.projection.defined() ? t.hidden.data<float>() : nullptr,
          .y = t.y.data<float>(),
          .state_m = t.state_m.data<float>(),
          .state_c = t.state_c.data<float>()};
}

Tensor rows(const Tensor& t) {
  return t.reshape({t.size(0) * t.size(1), t.size(2)});
}

float* take_kernel_scratch(const Backend& backend, const LstmDims& n, tensor::Arena& scratch) {
  const auto scratch_floats = backend.kernels->nn.lstm_scratch_floats;
  require_kernel(scratch_floats != nullptr, "lstm", backend);
  return scratch.take(tensor::DType::kF32, {scratch_floats(backend.stream, n)}).data<float>();
}

// The scratch of the backward pass through the projection. Returns the gradient of every output.
Tensor take_projection_scratch(const Backend& backend, const LstmDims& n, tensor::Arena& scratch,
                               LstmGradBuffers& g) {
  const auto take = [&](const Shape& shape) { return scratch.take(tensor::DType::kF32, shape); };
  const Tensor grad_m = take({n.S, n.B, n.P});
  const Tensor zeros = take({n.U});
  generic::fill(backend, 0.0, zeros);
  g.grad_m = grad_m.data<float>();
  g.grad_hidden = take({n.B, n.U}).data<float>();
  g.zeros = zeros.data<float>();
  return grad_m;
}

}  // namespace

void lstm(const Backend& backend, const Tensor& x, const LstmTensors& t, tensor::Arena& scratch) {
  const LstmDims n = dims(backend, x, t);
  const auto kernel = backend.kernels->nn.lstm;
  require_kernel(kernel != nullptr, "lstm", backend);
  const tensor::ScratchScope scope(scratch);
  LstmBuffers b = buffers(t);
  b.x = x.data<float>();
  b.scratch = take_kernel_scratch(backend, n, scratch);
  kernel(backend.stream, n, b);
}

void lstm_grad(const Backend& backend, const Tensor& grad_y, const LstmTensors& t,
               const LstmGrads& grads, tensor::Arena& scratch) {
  const LstmDims n = dims(backend, grads.x, t);
  const auto kernel = backend.kernels->nn.lstm_grad;
  require_kernel(kernel != nullptr, "lstm_grad", backend);
  const tensor::ScratchScope scope(scratch);
  const Tensor grad_state_m = scratch.take(tensor::DType::kF32, {n.B, n.P});
  const Tensor grad_state_c = scratch.take(tensor::DType::kF32, {n.B, n.U});
  generic::fill(backend, 0.0, grad_state_m);
  generic::fill(backend, 0.0, grad_state_c);
  LstmGradBuffers g = {.grad_y = grad_y.data<float>(),
                       .grad_x = grads.x.data<float>(),
                       .grad_bias = grads.bias.data<float>(),
                       .grad_state_m = grad_state_m.data<float>(),
                       .grad_state_c = grad_state_c.data<float>()};
  Tensor grad_m;
  if (t.projection.defined()) {
    grad_m = take_projection_scratch(backend, n, scratch, g);
  }
  LstmBuffers b = buffers(t);
  b.scratch = take_kernel_scratch(backend, n, scratch);
  kernel(backend.stream, n, b, g);
  if (t.projection.defined()) {
    matmul(backend, Transpose::kYes, Transpose::kNo, 1.0, rows(t.hidden), rows(grad_m),
           grads.projection_beta, grads.projection);
  }
  matmul(backend, Transpose::kYes, Transpose::kNo, 1.0, rows(t.xm), rows(t.gates),
         grads.kernel_beta, grads.kernel);
}

}  // namespace switchyard::ops::nn
