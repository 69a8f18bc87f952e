#pragma once

#include "ops/backend.h"
#include "ops/moe/plan.h"
#include "tensor/tensor.h"

namespace switchyard::ops::moe {

/// The choices of the gates of two levels for T tokens: K1 of A groups each, and in each of those
/// K2 of its B experts. A row is a pair of a token and one of its groups; rows are sorted by group.
/// Tensors have R rows, at least as many as the plan.
struct TwoLevelRouting {
  RoutingPlan plan;             // of the groups: offsets [A + 1], pair_row [T, K1]
  tensor::Tensor group_weight;  // [T, K1]
  tensor::Tensor group_load;    // [A]
  tensor::Tensor local_index;   // [R, K2] i32, expert within the group, -1 = empty slot
  tensor::Tensor local_weight;  // [R, K2]
  tensor::Tensor local_load;    // [A, B], of a group's rows
};

/// The same as one choice among A * B experts; expert j of group i has the number i * B + j.
struct FlatRouting {
  tensor::Tensor expert_index;  // [T, K1 * K2] i32, -1 = empty slot
  tensor::Tensor gate_weight;   // [T, K1 * K2]
  tensor::Tensor importance;    // [A * B]
  tensor::Tensor load;          // [A * B]
};

/// Writes all of `flat`:
///
///   gate_weight = group_weight * local_weight                                     (eq. 12)
///   importance  = the sum of the gate weights of each expert                      (eq. 13)
///   load_ij     = group_load_i * local_load_ij / (rows of group i), 0 without rows  (eq. 14)
///
/// Source: Shazeer et al. 2017, appendix B. Sums run in the order of the rows.
void compose(const Backend& backend, const TwoLevelRouting& levels, const FlatRouting& flat);

/// Gradients of a loss with respect to a FlatRouting. An undefined one is zero.
struct FlatGrad {
  tensor::Tensor gate_weight;  // [T, K1 * K2]
  tensor::Tensor importance;   // [A * B]
  tensor::Tensor load;         // [A * B]
};

/// The corresponding gradients of the two levels. The number of rows of a group has no gradient.
struct TwoLevelGrad {
  tensor::Tensor group_weight;  // [T, K1]
  tensor::Tensor group_load;    // [A]
  tensor::Tensor local_weight;  // [R, K2]; not written past the last row
  tensor::Tensor local_load;    // [A, B]
};

/// Writes all of `out`. With s = grad.gate_weight + grad.importance of that expert:
///
///   d group_weight = sum over its local slots of local_weight * s
///   d local_weight = group_weight * s
///   d group_load_i = sum over j of grad.load_ij * local_load_ij / rows_i
///   d local_load_ij = grad.load_ij * group_load_i / rows_i
void compose_grad(const Backend& backend, const TwoLevelRouting& levels, const FlatGrad& grad,
                  const TwoLevelGrad& out);

}  // namespace switchyard::ops::moe
