#include "ops/generic/where.h"

#include "ops/generic/checks.h"
#include "ops/kernels.h"

namespace switchyard::ops::generic {

using tensor::DType;
using tensor::Tensor;

void iota(const Backend& backend, tensor::Out y) {
  const DType dtype = y->dtype() == DType::kI32 ? DType::kI32 : DType::kF32;
  require_tensors("iota", backend, dtype, {{"y", *y}});
  const auto kernel = backend.kernels->generic.iota;
  require_kernel(kernel != nullptr, "iota", backend);
  kernel(backend.stream, y);
}

void where(const Backend& backend, const Tensor& condition, const Tensor& a, const Tensor& b,
           tensor::Out y) {
  if (condition.dtype() == DType::kU8 || condition.dtype() == DType::kI32) {
    require_tensors("where", backend, condition.dtype(), {{"the condition", condition}});
  } else {
    require_tensors("where", backend, DType::kF32, {{"the condition", condition}});
  }
  const DType dtype = y->dtype() == DType::kI32 ? DType::kI32 : DType::kF32;
  require_tensors("where", backend, dtype, {{"a", a}, {"b", b}, {"y", *y}});
  require_broadcast("where", {"the condition", condition}, y);
  require_broadcast("where", {"a", a}, y);
  require_broadcast("where", {"b", b}, y);
  const auto kernel = backend.kernels->generic.where;
  require_kernel(kernel != nullptr, "where", backend);
  kernel(backend.stream, condition, a, b, y);
}

}  // namespace switchyard::ops::generic
