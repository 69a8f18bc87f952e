#include "ops/generic/softmax.h"

#include "ops/generic/checks.h"
#include "ops/kernels.h"

namespace switchyard::ops::generic {

using tensor::DType;
using tensor::Tensor;

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

}  // namespace switchyard::ops::generic
