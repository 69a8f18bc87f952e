#pragma once

#include "ops/backend.h"
#include "ops/moe/plan.h"
#include "tensor/out.h"

namespace switchyard::ops::moe {

/// y_t = sum over k of gate_weight[t, k] * rows[pair_row[t, k]], in the order of k   (eq. 1)
///
///   rows         [N, D]  expert outputs; N is at least the last offset of the plan
///   gate_weight  [T, K]
///   y            [T, D]  0 for a token without experts
///
/// Source: Shazeer et al. 2017, section 2, equation 1.
void combine(const Backend& backend, const tensor::Tensor& rows, const tensor::Tensor& gate_weight,
             const RoutingPlan& plan, tensor::Out y);

/// The gradients of combine(). Those of empty slots are 0; rows past the last offset are not
/// written.
///
///   grad_rows[p]            = gate_weight[t, k] * grad_y[t]
///   grad_gate_weight[t, k]  = <grad_y[t], rows[p]>            with p = pair_row[t, k]
void combine_grad(const Backend& backend, const tensor::Tensor& grad_y, const tensor::Tensor& rows,
                  const tensor::Tensor& gate_weight, const RoutingPlan& plan, tensor::Out grad_rows,
                  tensor::Out grad_gate_weight);

}  // namespace switchyard::ops::moe
