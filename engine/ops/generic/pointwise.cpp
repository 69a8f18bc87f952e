#include "ops/generic/pointwise.h"

#include "ops/generic/checks.h"
#include "ops/kernels.h"

namespace switchyard::ops::generic {

namespace {

using tensor::DType;
using tensor::Tensor;

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

}  // namespace switchyard::ops::generic
