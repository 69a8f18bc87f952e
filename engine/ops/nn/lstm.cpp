#include "ops/nn/lstm.h"

#include "ops/generic/pointwise.h"
#include "ops/kernels.h"
#include "ops/linalg/matmul.h"
#include "ops/nn/column_sums.h"

namespace switchyard::ops::nn {

namespace {

using linalg::matmul;
using linalg::Transpose;
using tensor::Shape;
using tensor::Tensor;

LstmDims dims(const Tensor& x, const LstmTensors& t) {
  core::require(x.dim() == 3 && x.is_contiguous(),
                "lstm: x must be contiguous [streams, steps, "
                "inputs], got ",
                x.shape());
  const LstmDims n = {.B = x.size(0), .S = x.size(1), .I = x.size(2), .U = t.state_h.size(1)};
  core::require(t.kernel.shape() == Shape({n.I + n.U, 4 * n.U}) && t.bias.count() == 4 * n.U,
                "lstm: kernel must be [", n.I + n.U, ", ", 4 * n.U, "], got ", t.kernel.shape());
  core::require(t.xh.shape() == Shape({n.B, n.S, n.I + n.U}) &&
                    t.gates.shape() == Shape({n.B, n.S, 4 * n.U}) &&
                    t.cell.shape() == Shape({n.B, n.S + 1, n.U}) &&
                    t.y.shape() == Shape({n.B, n.S, n.U}) && t.state_h.size(0) == n.B &&
                    t.state_c.shape() == t.state_h.shape(),
                "lstm: buffers do not fit x ", x.shape(), " and ", n.U, " units");
  return n;
}

LstmBuffers buffers(const LstmTensors& t) {
  return {.kernel = t.kernel.data<float>(),
          .bias = t.bias.data<float>(),
          .resets = t.resets.defined() ? t.resets.data<uint8_t>() : nullptr,
          .xh = t.xh.data<float>(),
          .gates = t.gates.data<float>(),
          .cell = t.cell.data<float>(),
          .y = t.y.data<float>(),
          .state_h = t.state_h.data<float>(),
          .state_c = t.state_c.data<float>()};
}

Tensor rows(const Tensor& t) {
  return t.reshape({t.size(0) * t.size(1), t.size(2)});
}

}  // namespace

void lstm(const Backend& backend, const Tensor& x, const LstmTensors& t) {
  const LstmDims n = dims(x, t);
  const auto kernel = backend.kernels->nn.lstm;
  require_kernel(kernel != nullptr, "lstm", backend);
  const Tensor kernel_x = t.kernel.slice(0, 0, n.I);
  matmul(backend, Transpose::kNo, Transpose::kNo, 1.0, rows(x), kernel_x, 0.0, rows(t.gates));
  LstmBuffers b = buffers(t);
  b.x = x.data<float>();
  kernel(backend.stream, n, b);
}

void lstm_grad(const Backend& backend, const Tensor& grad_y, const LstmTensors& t,
               const LstmGrads& grads, tensor::Arena& scratch) {
  const LstmDims n = dims(grads.x, t);
  const auto kernel = backend.kernels->nn.lstm_grad;
  require_kernel(kernel != nullptr, "lstm_grad", backend);
  const tensor::ScratchScope scope(scratch);
  const Tensor grad_state = scratch.take(tensor::DType::kF32, {2, n.B, n.U});
  const Tensor kernel_t = scratch.take(tensor::DType::kF32, {4 * n.U, n.U});
  generic::fill(backend, 0.0, grad_state);
  kernel(backend.stream, n, buffers(t),
         {.grad_y = grad_y.data<float>(),
          .grad_h = grad_state.select(0, 0).data<float>(),
          .grad_c = grad_state.select(0, 1).data<float>(),
          .kernel_t = kernel_t.data<float>()});
  const Tensor grad_gates = rows(t.gates);
  const Tensor kernel_x = t.kernel.slice(0, 0, n.I);
  matmul(backend, Transpose::kYes, Transpose::kNo, 1.0, rows(t.xh), grad_gates, 1.0, grads.kernel);
  matmul(backend, Transpose::kNo, Transpose::kYes, 1.0, grad_gates, kernel_x, 1.0, rows(grads.x));
  add_column_sums(backend, grad_gates, grads.bias);
}

}  // namespace switchyard::ops::nn
