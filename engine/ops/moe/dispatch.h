#pragma once

#include "ops/backend.h"
#include "ops/moe/plan.h"
#include "tensor/out.h"

namespace switchyard::ops::moe {

/// Copies every token's row to the rows of its experts.
///
///   x     [T, D]  f32
///   rows  [N, D]  N is at least the last offset of the plan; later rows are not written
///
/// Source: Shazeer et al. 2017, section 3.1; the inverse is combine().
void dispatch(const Backend& backend, const tensor::Tensor& x, const RoutingPlan& plan,
              tensor::Out rows);

/// The same for one value per token, such as its id or its mask.
///
///   labels  [T]  any type
///   rows    [N]  of that type; rows past the last offset are not written
void dispatch_labels(const Backend& backend, const tensor::Tensor& labels, const RoutingPlan& plan,
                     tensor::Out rows);

/// grad_x [T, D] += the sum of a token's grad_rows [N, D], in the order of its choices.
void dispatch_grad(const Backend& backend, const tensor::Tensor& grad_rows, const RoutingPlan& plan,
                   tensor::Out grad_x);

}  // namespace switchyard::ops::moe
