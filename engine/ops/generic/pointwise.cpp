#include "ops/generic/pointwise.h"

#include "ops/generic/checks.h"
#include "ops/kernels.h"

namespace switchyard::ops::generic {

namespace {

using tensor::DType;
using tensor::Tensor;

void require_number(const char* op, const Backend& backend, const Named& named) {
  const DType dtype = named.tensor.dtype();
  core::require(dtype == DType::kF32 || dtype == DType::kI32 || dtype == DType::kBf16,
                "{}: {} must be f32, i32 or bf16, got {}", op, named.name, tensor::name_of(dtype));
  require_tensors(op, backend, dtype, {named});
}

void require_broadcast(const char* op, const Named& named, const Tensor& y) {
  const tensor::Shape& from = named.tensor.shape();
  bool fits = from.dim() <= y.dim();
  for (int axis = 0; fits && axis < from.dim(); ++axis) {
    const int64_t extent = from[axis];
    fits = extent == 1 || extent == y.size(y.dim() - from.dim() + axis);
  }
  core::require(fits, "{}: {} must broadcast to the shape of y, {}, got {}", op, named.name,
                y.shape(), from);
}

template <typename Op>
void require_op(const char* op, Op value, Op last) {
  core::require(value >= Op{} && value <= last, "{}: there is no operation number {}", op,
                static_cast<int32_t>(value));
}

}  // namespace

void unary(const Backend& backend, Unary op, const Tensor& x, tensor::Out y) {
  require_tensors("unary", backend, DType::kF32, {{"x", x}, {"y", y}});
  require_same_shape("unary", {{"x", x}, {"y", y}});
  require_op("unary", op, Unary::kNormPdf);
  const auto kernel = backend.kernels->generic.unary;
  require_kernel(kernel != nullptr, "unary", backend);
  kernel(backend.stream, op, x, y);
}

void binary(const Backend& backend, Binary op, const Tensor& a, const Tensor& b, tensor::Out y) {
  require_op("binary", op, Binary::kGe);
  const bool knows_integers = op == Binary::kAdd || op == Binary::kMul;
  const DType dtype = knows_integers && y->dtype() == DType::kI32 ? DType::kI32 : DType::kF32;
  require_tensors("binary", backend, dtype, {{"a", a}, {"b", b}, {"y", y}});
  require_broadcast("binary", {"a", a}, y);
  require_broadcast("binary", {"b", b}, y);
  const auto kernel = backend.kernels->generic.binary;
  require_kernel(kernel != nullptr, "binary", backend);
  kernel(backend.stream, op, a, b, y);
}

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

void act(const Backend& backend, Activation kind, const Tensor& x, tensor::Out y) {
  require_tensors("act", backend, DType::kF32, {{"x", x}, {"y", y}});
  require_same_shape("act", {{"x", x}, {"y", y}});
  require_op("act", kind, Activation::kSigmoid);
  const auto kernel = backend.kernels->generic.act;
  require_kernel(kernel != nullptr, "act", backend);
  kernel(backend.stream, kind, x, y);
}

void act_grad(const Backend& backend, Activation kind, const Tensor& x, const Tensor& dy,
              tensor::Out dx) {
  require_tensors("act_grad", backend, DType::kF32, {{"x", x}, {"dy", dy}, {"dx", dx}});
  require_same_shape("act_grad", {{"x", x}, {"dy", dy}, {"dx", dx}});
  require_op("act_grad", kind, Activation::kSigmoid);
  const auto kernel = backend.kernels->generic.act_grad;
  require_kernel(kernel != nullptr, "act_grad", backend);
  kernel(backend.stream, kind, x, dy, dx);
}

void fill(const Backend& backend, double value, tensor::Out y) {
  require_number("fill", backend, {"y", y});
  const auto kernel = backend.kernels->generic.fill;
  require_kernel(kernel != nullptr, "fill", backend);
  kernel(backend.stream, value, y);
}

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
