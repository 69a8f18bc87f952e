#include "ops/moe/dispatch.h"

#include "ops/kernels.h"

namespace switchyard::ops::moe {

namespace {

RoutingDims dims(const char* op, const tensor::Tensor& tokens, const tensor::Tensor& rows,
                 const RoutingPlan& plan) {
  core::require(tokens.dim() == 2 && tokens.is_contiguous() && rows.dim() == 2 &&
                    rows.is_contiguous() && rows.size(1) == tokens.size(1),
                "{}: needs contiguous [tokens, d_model] and [rows, d_model], got {} and {}", op,
                tokens.shape(), rows.shape());
  const RoutingDims n = {.T = plan.pair_row.size(0),
                         .K = plan.pair_row.size(1),
                         .E = plan.offsets.size(0) - 1,
                         .D = tokens.size(1)};
  core::require(tokens.size(0) == n.T && plan.fits_in(rows.size(0)),
                "{}: the plan is for {} tokens and up to {} rows, got {} and {}", op, n.T,
                n.T * n.K, tokens.size(0), rows.size(0));
  return n;
}

}  // namespace

void dispatch(const Backend& backend, const tensor::Tensor& x, const RoutingPlan& plan,
              tensor::Out rows) {
  const RoutingDims n = dims("dispatch", x, rows, plan);
  const auto kernel = backend.kernels->moe.dispatch;
  require_kernel(kernel != nullptr, "dispatch", backend);
  kernel(backend.stream, n, x.data<float>(), plan.row_pair.data<int32_t>(),
         plan.offsets.data<int32_t>() + n.E, rows->data<float>());
}

void dispatch_labels(const Backend& backend, const tensor::Tensor& labels, const RoutingPlan& plan,
                     tensor::Out rows) {
  const RoutingDims n = {.T = plan.pair_row.size(0),
                         .K = plan.pair_row.size(1),
                         .E = plan.offsets.size(0) - 1,
                         .D = 1};
  core::require(labels.shape() == tensor::Shape({n.T}) && labels.is_contiguous() &&
                    rows->dim() == 1 && plan.fits_in(rows->size(0)) && rows->is_contiguous() &&
                    rows->dtype() == labels.dtype(),
                "dispatch_labels: the plan is for {} tokens of {} experts, got {} {} and {} {}",
                n.T, n.K, tensor::name_of(labels.dtype()), labels.shape(),
                tensor::name_of(rows->dtype()), rows->shape());
  const auto kernel = backend.kernels->moe.dispatch_labels;
  require_kernel(kernel != nullptr, "dispatch_labels", backend);
  kernel(backend.stream, n, labels.raw(), tensor::size_of(labels.dtype()),
         plan.row_pair.data<int32_t>(), plan.offsets.data<int32_t>() + n.E, rows->raw());
}

void dispatch_grad(const Backend& backend, const tensor::Tensor& grad_rows, const RoutingPlan& plan,
                   tensor::Out grad_x) {
  const RoutingDims n = dims("dispatch_grad", grad_x, grad_rows, plan);
  const auto kernel = backend.kernels->moe.dispatch_grad;
  require_kernel(kernel != nullptr, "dispatch_grad", backend);
  kernel(backend.stream, n, grad_rows.data<float>(), plan.pair_row.data<int32_t>(),
         grad_x->data<float>());
}

}  // namespace switchyard::ops::moe
