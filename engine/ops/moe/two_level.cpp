#include "ops/moe/two_level.h"

#include "ops/generic/affine.h"
#include "ops/kernels.h"

namespace switchyard::ops::moe {

namespace {

using tensor::DType;
using tensor::Shape;
using tensor::Tensor;

void require_shape(const char* op, const char* what, const Tensor& tensor, DType dtype,
                   const Shape& shape) {
  core::require(tensor.dtype() == dtype && tensor.shape() == shape && tensor.is_contiguous(),
                "{}: {} must be contiguous {} {}, got {} {}", op, what, tensor::name_of(dtype),
                shape, tensor::name_of(tensor.dtype()), tensor.shape());
}

TwoLevelDims dims(const char* op, const TwoLevelRouting& levels) {
  core::require(levels.plan.pair_row.dim() == 2 && levels.local_index.dim() == 2 &&
                    levels.local_load.dim() == 2,
                "{}: needs a plan of [tokens, groups], and the choices and loads of each group",
                op);
  const TwoLevelDims n = {.T = levels.plan.pair_row.size(0),
                          .K1 = levels.plan.pair_row.size(1),
                          .K2 = levels.local_index.size(1),
                          .A = levels.local_load.size(0),
                          .B = levels.local_load.size(1)};
  const Shape rows = {levels.local_index.size(0), n.K2};
  core::require(levels.plan.fits_in(rows[0]), "{}: the plan is for up to {} rows, got {}", op,
                n.T * n.K1, rows[0]);
  require_shape(op, "plan.offsets", levels.plan.offsets, DType::kI32, {n.A + 1});
  require_shape(op, "group_weight", levels.group_weight, DType::kF32, {n.T, n.K1});
  require_shape(op, "group_load", levels.group_load, DType::kF32, {n.A});
  require_shape(op, "local_index", levels.local_index, DType::kI32, rows);
  require_shape(op, "local_weight", levels.local_weight, DType::kF32, rows);
  require_shape(op, "local_load", levels.local_load, DType::kF32, {n.A, n.B});
  return n;
}

TwoLevelView view_of(const TwoLevelRouting& levels) {
  return {.offsets = levels.plan.offsets.data<int32_t>(),
          .row_pair = levels.plan.row_pair.data<int32_t>(),
          .group_weight = levels.group_weight.data<float>(),
          .group_load = levels.group_load.data<float>(),
          .local_index = levels.local_index.data<int32_t>(),
          .local_weight = levels.local_weight.data<float>(),
          .local_load = levels.local_load.data<float>()};
}

}  // namespace

void compose(const Backend& backend, const TwoLevelRouting& levels, const FlatRouting& flat) {
  const TwoLevelDims n = dims("compose", levels);
  const Shape choices = {n.T, n.K1 * n.K2};
  require_shape("compose", "expert_index", flat.expert_index, DType::kI32, choices);
  require_shape("compose", "gate_weight", flat.gate_weight, DType::kF32, choices);
  require_shape("compose", "importance", flat.importance, DType::kF32, {n.A * n.B});
  require_shape("compose", "load", flat.load, DType::kF32, {n.A * n.B});
  const auto kernel = backend.kernels->moe.compose;
  require_kernel(kernel != nullptr, "compose", backend);
  // The kernel goes through the rows; an empty slot of the first level has none.
  generic::fill(backend, -1.0, flat.expert_index);
  generic::fill(backend, 0.0, flat.gate_weight);
  kernel(backend.stream, n, view_of(levels), flat.expert_index.data<int32_t>(),
         flat.gate_weight.data<float>(), flat.importance.data<float>(), flat.load.data<float>());
}

void compose_grad(const Backend& backend, const TwoLevelRouting& levels, const FlatGrad& grad,
                  const TwoLevelGrad& out) {
  const TwoLevelDims n = dims("compose_grad", levels);
  require_shape("compose_grad", "group_weight", out.group_weight, DType::kF32, {n.T, n.K1});
  require_shape("compose_grad", "group_load", out.group_load, DType::kF32, {n.A});
  require_shape("compose_grad", "local_weight", out.local_weight, DType::kF32,
                levels.local_weight.shape());
  require_shape("compose_grad", "local_load", out.local_load, DType::kF32, {n.A, n.B});
  const auto given = [](const char* what, const Tensor& tensor, const Shape& shape) {
    if (!tensor.defined()) {
      return static_cast<const float*>(nullptr);
    }
    require_shape("compose_grad", what, tensor, DType::kF32, shape);
    return static_cast<const float*>(tensor.data<float>());
  };
  const FlatGradView of_flat = {
      .gate_weight = given("the gradient of gate_weight", grad.gate_weight, {n.T, n.K1 * n.K2}),
      .importance = given("the gradient of importance", grad.importance, {n.A * n.B}),
      .load = given("the gradient of load", grad.load, {n.A * n.B})};
  const auto kernel = backend.kernels->moe.compose_grad;
  require_kernel(kernel != nullptr, "compose_grad", backend);
  generic::fill(backend, 0.0, out.group_weight);
  kernel(backend.stream, n, view_of(levels), of_flat, out.group_weight.data<float>(),
         out.group_load.data<float>(), out.local_weight.data<float>(),
         out.local_load.data<float>());
}

}  // namespace switchyard::ops::moe
