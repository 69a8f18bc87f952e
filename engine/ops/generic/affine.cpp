#include "ops/generic/affine.h"

#include "ops/generic/checks.h"
#include "ops/kernels.h"

namespace switchyard::ops::generic {

using tensor::DType;
using tensor::Tensor;

namespace {

void require_number(const char* op, const Backend& backend, const Named& named) {
  const DType dtype = named.tensor.dtype();
  core::require(dtype == DType::kF32 || dtype == DType::kI32 || dtype == DType::kBf16,
                "{}: {} must be f32, i32 or bf16, got {}", op, named.name, tensor::name_of(dtype));
  require_tensors(op, backend, dtype, {named});
}

}  // namespace

void affine(const Backend& backend, const Tensor& x, double mul, double add, tensor::Out y) {
  if (x.dtype() == DType::kU8) {  // a mask becomes numbers
    require_tensors("affine", backend, DType::kU8, {{"x", x}});
  } else {
    require_number("affine", backend, {"x", x});
  }
  require_number("affine", backend, {"y", y});
  require_same_shape("affine", {{"x", x}, {"y", y}});
  const auto kernel = backend.kernels->generic.affine;
  require_kernel(kernel != nullptr, "affine", backend);
  kernel(backend.stream, x, mul, add, y);
}

void copy(const Backend& backend, const Tensor& x, tensor::Out y) {
  affine(backend, x, 1.0, 0.0, y);
}

void fill(const Backend& backend, double value, tensor::Out y) {
  require_number("fill", backend, {"y", y});
  const auto kernel = backend.kernels->generic.fill;
  require_kernel(kernel != nullptr, "fill", backend);
  kernel(backend.stream, value, y);
}

}  // namespace switchyard::ops::generic
