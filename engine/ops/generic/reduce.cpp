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

void require_vector(const char* op, const Backend& backend, const Named& named) {
  require_tensors(op, backend, DType::kF32, {named});
  require_contiguous(op, named);
  core::require(named.tensor.dim() == 1 && named.tensor.count() > 0,
                "{}: {} must be [n] with n at least 1, got {}", op, named.name,
                named.tensor.shape());
}

void require_number(const char* op, const Backend& backend, const Named& named) {
  require_tensors(op, backend, DType::kF32, {named});
  core::require(named.tensor.count() == 1, "{}: {} must have one element, got {}", op, named.name,
                named.tensor.shape());
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

void softmax(const Backend& backend, const Tensor& x, tensor::Out y) {
  require_tensors("softmax", backend, DType::kF32, {{"x", x}, {"y", y}});
  require_same_shape("softmax", {{"x", x}, {"y", y}});
  core::require(x.dim() >= 1, "softmax: x must have an axis, got a scalar");
  const auto kernel = backend.kernels->generic.softmax;
  require_kernel(kernel != nullptr, "softmax", backend);
  kernel(backend.stream, x, y);
}

void softmax_grad(const Backend& backend, const Tensor& y, const Tensor& dy, tensor::Out dx) {
  require_tensors("softmax_grad", backend, DType::kF32, {{"y", y}, {"dy", dy}, {"dx", dx}});
  require_same_shape("softmax_grad", {{"y", y}, {"dy", dy}, {"dx", dx}});
  core::require(y.dim() >= 1, "softmax_grad: y must have an axis, got a scalar");
  const auto kernel = backend.kernels->generic.softmax_grad;
  require_kernel(kernel != nullptr, "softmax_grad", backend);
  kernel(backend.stream, y, dy, dx);
}

void squared_variation(const Backend& backend, const Tensor& x, double weight, tensor::Out y) {
  require_vector("squared_variation", backend, {"x", x});
  require_number("squared_variation", backend, {"y", *y});
  const auto kernel = backend.kernels->generic.squared_variation;
  require_kernel(kernel != nullptr, "squared_variation", backend);
  kernel(backend.stream, x, weight, y);
}

void squared_variation_grad(const Backend& backend, const Tensor& x, double weight,
                            const Tensor& dy, tensor::Out dx) {
  require_vector("squared_variation_grad", backend, {"x", x});
  require_vector("squared_variation_grad", backend, {"dx", *dx});
  require_same_shape("squared_variation_grad", {{"x", x}, {"dx", *dx}});
  require_number("squared_variation_grad", backend, {"dy", dy});
  const auto kernel = backend.kernels->generic.squared_variation_grad;
  require_kernel(kernel != nullptr, "squared_variation_grad", backend);
  kernel(backend.stream, x, weight, dy, dx);
}

void count_nonfinite(const Backend& backend, const Tensor& x, tensor::Out n) {
  require_tensors("count_nonfinite", backend, DType::kF32, {{"x", x}});
  require_tensors("count_nonfinite", backend, DType::kI32, {{"n", n}});
  core::require(n->count() == 1, "count_nonfinite: n must have one element, got {}", n->shape());
  const auto kernel = backend.kernels->generic.count_nonfinite;
  require_kernel(kernel != nullptr, "count_nonfinite", backend);
  kernel(backend.stream, x, n);
}

void mean_squares(const Backend& backend, const Tensor& x, tensor::Out rows, tensor::Out columns) {
  require_tensors("mean_squares", backend, DType::kF32,
                  {{"x", x}, {"rows", rows}, {"columns", columns}});
  for (const Named& named : {Named{"x", x}, {"rows", rows}, {"columns", columns}}) {
    require_contiguous("mean_squares", named);
  }
  require_dim("mean_squares", {"x", x}, 3, "[G,P,Q]");
  core::require(x.size(1) > 0 && x.size(2) > 0,
                "mean_squares: a matrix of x must have an element, got {}", x.shape());
  core::require(rows->shape() == without_axis(x.shape(), 2),
                "mean_squares: rows must be [G,P] of x {}, got {}", x.shape(), rows->shape());
  core::require(columns->shape() == without_axis(x.shape(), 1),
                "mean_squares: columns must be [G,Q] of x {}, got {}", x.shape(), columns->shape());
  const auto kernel = backend.kernels->generic.mean_squares;
  require_kernel(kernel != nullptr, "mean_squares", backend);
  kernel(backend.stream, x, rows, columns);
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
