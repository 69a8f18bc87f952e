#include "ops/linalg/matmul.h"

#include "ops/kernels.h"

namespace switchyard::ops::linalg {

namespace {

using core::require;
using tensor::Tensor;

void require_matrix(const char* op, const char* name, const Tensor& m) {
  require(m.dim() == 2 && m.dtype() == tensor::DType::kF32,
          "{}: {} must be a matrix of f32, got {} {}", op, name, tensor::name_of(m.dtype()),
          m.shape());
  require(m.size(1) <= 1 || m.stride(1) == 1, "{}: {} must have unit stride in its last axis", op,
          name);
}

// A matrix of one row may have any stride; GEMM libraries require at least its width.
int64_t row_stride(const Tensor& m) {
  return m.size(0) <= 1 ? std::max<int64_t>(m.size(1), 1) : m.stride(0);
}

MatrixView view(const Tensor& m) {
  return {.data = m.data<float>(), .stride = row_stride(m)};
}

}  // namespace

void matmul(const Backend& backend, Transpose transpose_a, Transpose transpose_b, double alpha,
            const Tensor& a, const Tensor& b, double beta, tensor::Out out) {
  const Tensor& c = *out;
  require_matrix("matmul", "a", a);
  require_matrix("matmul", "b", b);
  require_matrix("matmul", "c", c);
  const bool a_is_plain = transpose_a == Transpose::kNo;
  const bool b_is_plain = transpose_b == Transpose::kNo;
  const GemmDims n = {.M = a.size(a_is_plain ? 0 : 1),
                      .N = b.size(b_is_plain ? 1 : 0),
                      .K = a.size(a_is_plain ? 1 : 0),
                      .transpose_a = transpose_a,
                      .transpose_b = transpose_b,
                      .alpha = static_cast<float>(alpha),
                      .beta = static_cast<float>(beta),
                      .compute = backend.compute};
  require(b.size(b_is_plain ? 0 : 1) == n.K && c.size(0) == n.M && c.size(1) == n.N,
          "matmul: shapes must fit, got {}{} x {}{} -> {}", a.shape(), a_is_plain ? "" : "^T",
          b.shape(), b_is_plain ? "" : "^T", c.shape());
  const auto kernel = backend.kernels->linalg.gemm;
  require_kernel(kernel != nullptr, "matmul", backend);
  kernel(backend.stream, n, view(a), view(b), {.data = c.data<float>(), .stride = row_stride(c)});
}

void grouped_matmul(const Backend& backend, GroupedMode mode, const Tensor& offsets, double alpha,
                    const Tensor& a, const Tensor& b, double beta, tensor::Out out) {
  const Tensor& c = *out;
  const bool is_weight = mode == GroupedMode::kGradWeight;
  const Tensor& weight = is_weight ? c : b;
  const Tensor& left = a;
  const Tensor& right = is_weight ? b : c;
  require_matrix("grouped_matmul", "a", left);
  require_matrix("grouped_matmul", is_weight ? "b" : "c", right);
  const bool is_bf16 = weight.dtype() == tensor::DType::kBf16 && !is_weight;
  require(weight.dim() == 3 && (weight.dtype() == tensor::DType::kF32 || is_bf16) &&
              weight.is_contiguous(),
          "grouped_matmul: {} must be contiguous {} [groups, K, M], got {} {}",
          is_weight ? "gradients of weights" : "weights", is_weight ? "f32" : "f32 or bf16",
          tensor::name_of(weight.dtype()), weight.shape());
  require(offsets.dim() == 1 && offsets.dtype() == tensor::DType::kI32 &&
              offsets.size(0) == weight.size(0) + 1 && offsets.is_contiguous(),
          "grouped_matmul: offsets must be i32 [groups + 1] with groups = {}, got {}",
          weight.size(0), offsets.shape());
  const bool is_grad_input = mode == GroupedMode::kGradInput;
  const GroupedDims n = {.G = weight.size(0),
                         .K = weight.size(1),
                         .M = weight.size(2),
                         .alpha = static_cast<float>(alpha),
                         .beta = static_cast<float>(beta),
                         .compute = backend.compute};
  require(left.size(1) == (is_grad_input ? n.M : n.K) &&
              right.size(1) == (is_grad_input ? n.K : n.M) && left.size(0) == right.size(0),
          "grouped_matmul: rows must fit the weights {}, got {} and {}", weight.shape(),
          left.shape(), right.shape());
  if (is_bf16) {
    const auto kernel = backend.kernels->linalg.grouped_gemm_bf16;
    require_kernel(kernel != nullptr, "grouped_matmul with weights in bf16", backend);
    kernel(backend.stream, mode, n, offsets.data<int32_t>(), view(a),
           {.data = &b.data<tensor::Bf16>()->bits, .stride = n.M},
           {.data = c.data<float>(), .stride = row_stride(c)});
    return;
  }
  const auto kernel = backend.kernels->linalg.grouped_gemm;
  require_kernel(kernel != nullptr, "grouped_matmul", backend);
  const MatrixOut product = is_weight ? MatrixOut{.data = c.data<float>(), .stride = n.M}
                                      : MatrixOut{.data = c.data<float>(), .stride = row_stride(c)};
  const MatrixView second =
      is_weight ? view(b) : MatrixView{.data = b.data<float>(), .stride = n.M};
  kernel(backend.stream, mode, n, offsets.data<int32_t>(), view(a), second, product);
}

}  // namespace switchyard::ops::linalg
