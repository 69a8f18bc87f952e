#include "ops/generic/reduce.h"

#include "ops/generic/checks.h"
#include "ops/kernels.h"

namespace switchyard::ops::generic {

using tensor::DType;
using tensor::Tensor;

namespace {

tensor::Shape without_axis(const tensor::Shape& shape, int axis) {
  std::array<int64_t, tensor::Shape::kMaxDims> extents{};
  size_t kept = 0;
  for (int i = 0; i < shape.dim(); ++i) {
    if (i != axis) {
      extents[kept++] = shape[i];
    }
  }
  return tensor::Shape(std::span<const int64_t>(extents.data(), kept));
}

}  // namespace

void reduce(const Backend& backend, Reduction op, const Tensor& x, int axis, double beta,
            tensor::Out y) {
  require_tensors("reduce", backend, DType::kF32, {{"x", x}, {"y", y}});
  core::require(op >= Reduction::kSum && op <= Reduction::kSumSq,
                "reduce: there is no operation number {}", static_cast<int32_t>(op));
  core::require(axis >= -1 && axis < x.dim(), "reduce: axis must be -1 or below {}, got {}",
                x.dim(), axis);
  if (axis == -1) {
    core::require(y->count() == 1, "reduce: y must have one element for axis -1, got {}",
                  y->shape());
  } else {
    const tensor::Shape expected = without_axis(x.shape(), axis);
    core::require(y->shape() == expected || (x.dim() == 1 && y->shape() == tensor::Shape{1}),
                  "reduce: y must have x's shape without axis {}, {}, got {}", axis, expected,
                  y->shape());
  }
  const auto kernel = backend.kernels->generic.reduce;
  require_kernel(kernel != nullptr, "reduce", backend);
  kernel(backend.stream, op, x, axis, beta, y);
}

void count_nonfinite(const Backend& backend, const Tensor& x, tensor::Out n) {
  require_tensors("count_nonfinite", backend, DType::kF32, {{"x", x}});
  require_tensors("count_nonfinite", backend, DType::kI32, {{"n", n}});
  core::require(n->count() == 1, "count_nonfinite: n must have one element, got {}", n->shape());
  const auto kernel = backend.kernels->generic.count_nonfinite;
  require_kernel(kernel != nullptr, "count_nonfinite", backend);
  kernel(backend.stream, x, n);
}

void add_sum_of_squares(const Backend& backend, const Tensor& x, tensor::Out sum) {
  require_tensors("add_sum_of_squares", backend, DType::kF32, {{"x", x}});
  require_tensors("add_sum_of_squares", backend, DType::kF64, {{"sum", sum}});
  core::require(sum->count() == 1, "add_sum_of_squares: sum must be one f64, got {}", sum->shape());
  const auto kernel = backend.kernels->generic.add_sum_of_squares;
  require_kernel(kernel != nullptr, "add_sum_of_squares", backend);
  kernel(backend.stream, x, sum);
}

}  // namespace switchyard::ops::generic
