#include "ops/moe/combine.h"

#include "ops/kernels.h"

namespace switchyard::ops::moe {

namespace {

RoutingDims dims(const char* op, const tensor::Tensor& tokens, const tensor::Tensor& rows,
                 const tensor::Tensor& gate_weight, const RoutingPlan& plan) {
  const RoutingDims n = {.T = plan.pair_row.size(0),
                         .K = plan.pair_row.size(1),
                         .E = plan.offsets.size(0) - 1,
                         .D = tokens.size(1)};
  core::require(tokens.shape() == tensor::Shape({n.T, n.D}) && tokens.is_contiguous() &&
                    rows.dim() == 2 && rows.size(1) == n.D && rows.is_contiguous() &&
                    plan.fits_in(rows.size(0)),
                "{}: the plan is for {} tokens and up to {} rows, got tokens {} and rows {}", op,
                n.T, n.T * n.K, tokens.shape(), rows.shape());
  core::require(gate_weight.shape() == tensor::Shape({n.T, n.K}) && gate_weight.is_contiguous(),
                "{}: gate_weight must be contiguous [{}, {}], got {}", op, n.T, n.K,
                gate_weight.shape());
  return n;
}

}  // namespace

void combine(const Backend& backend, const tensor::Tensor& rows, const tensor::Tensor& gate_weight,
             const RoutingPlan& plan, tensor::Out y) {
  const RoutingDims n = dims("combine", y, rows, gate_weight, plan);
  const auto kernel = backend.kernels->moe.combine;
  require_kernel(kernel != nullptr, "combine", backend);
  kernel(backend.stream, n, rows.data<float>(), gate_weight.data<float>(),
         plan.pair_row.data<int32_t>(), y->data<float>());
}

void combine_grad(const Backend& backend, const tensor::Tensor& grad_y, const tensor::Tensor& rows,
                  const tensor::Tensor& gate_weight, const RoutingPlan& plan, tensor::Out grad_rows,
                  tensor::Out grad_gate_weight) {
  const RoutingDims n = dims("combine_grad", grad_y, rows, gate_weight, plan);
  core::require(
      grad_rows->shape() == rows.shape() && grad_gate_weight->shape() == gate_weight.shape(),
      "combine_grad: gradients must have the shapes of what they belong to, got {} and {}",
      grad_rows->shape(), grad_gate_weight->shape());
  const auto kernel = backend.kernels->moe.combine_grad;
  require_kernel(kernel != nullptr, "combine_grad", backend);
  kernel(backend.stream, n, grad_y.data<float>(), rows.data<float>(), gate_weight.data<float>(),
         plan.pair_row.data<int32_t>(), grad_rows->data<float>(), grad_gate_weight->data<float>());
}

}  // namespace switchyard::ops::moe
