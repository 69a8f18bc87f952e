#include "ops/nn/lstm_cell.h"

#include "ops/generic/affine.h"
#include "ops/kernels.h"

namespace switchyard::ops::nn {

namespace {

using tensor::Tensor;

void require_rows(const char* name, const Tensor& rows, int64_t B, int64_t columns) {
  core::require(
      rows.shape() == tensor::Shape({B, columns}) && (columns <= 1 || rows.stride(1) == 1),
      "lstm_cell: {} must be [{}, {}] with contiguous rows, got {}", name, B, columns,
      rows.shape());
}

LstmCellDims dims(const LstmCellTensors& t) {
  core::require(t.c.dim() == 2, "lstm_cell: c must be [streams, units], got {}", t.c.shape());
  const LstmCellDims n = {.B = t.c.size(0), .U = t.c.size(1), .forget_bias = t.forget_bias};
  require_rows("gates", t.gates, n.B, 4 * n.U);
  require_rows("c_before", t.c_before, n.B, n.U);
  require_rows("c", t.c, n.B, n.U);
  require_rows("h", t.h, n.B, n.U);
  core::require(t.bias.shape() == tensor::Shape({4 * n.U}) && t.bias.is_contiguous(),
                "lstm_cell: bias must be [{}], got {}", 4 * n.U, t.bias.shape());
  core::require(t.keep.shape() == tensor::Shape({n.B}), "lstm_cell: keep must be [{}], got {}", n.B,
                t.keep.shape());
  return n;
}

linalg::MatrixOut rows_of(const Tensor& t) {
  return {.data = t.data<float>(), .stride = t.stride(0)};
}

LstmCellBuffers buffers(const LstmCellTensors& t) {
  return {.gates = rows_of(t.gates),
          .bias = t.bias.data<float>(),
          .keep = t.keep.data<float>(),
          .keep_stride = t.keep.stride(0),
          .c_before = rows_of(t.c_before),
          .c = rows_of(t.c),
          .h = rows_of(t.h)};
}

}  // namespace

void lstm_cell(const Backend& backend, const LstmCellTensors& t) {
  const auto kernel = backend.kernels->nn.lstm_cell;
  require_kernel(kernel != nullptr, "lstm_cell", backend);
  kernel(backend.stream, dims(t), buffers(t));
}

void lstm_cell_grad(const Backend& backend, const LstmCellTensors& t, const Tensor& grad_h,
                    tensor::Arena& scratch, tensor::Out grad_c) {
  const auto kernel = backend.kernels->nn.lstm_cell_grad;
  require_kernel(kernel != nullptr, "lstm_cell_grad", backend);
  const LstmCellDims n = dims(t);
  require_rows("grad_h", grad_h, n.B, n.U);
  require_rows("grad_c", grad_c, n.B, n.U);
  const tensor::ScratchScope scope(scratch);
  const Tensor zeros = scratch.take(tensor::DType::kF32, {n.U});
  generic::fill(backend, 0.0, zeros);
  kernel(backend.stream, n, buffers(t),
         {.grad_h = rows_of(grad_h), .grad_c = rows_of(grad_c), .zeros = zeros.data<float>()});
}

}  // namespace switchyard::ops::nn
