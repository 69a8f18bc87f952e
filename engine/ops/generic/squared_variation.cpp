#include "ops/generic/squared_variation.h"

#include "ops/generic/checks.h"
#include "ops/kernels.h"

namespace switchyard::ops::generic {

using tensor::DType;
using tensor::Tensor;

namespace {

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

}  // namespace switchyard::ops::generic
