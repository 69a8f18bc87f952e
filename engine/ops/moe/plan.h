#pragma once

#include "ops/backend.h"
#include "tensor/arena.h"

namespace switchyard::ops::moe {

/// In which order the experts get their rows. There are T * K pairs of a token and one of its
/// experts; the rows are the pairs sorted by expert, in the order of the tokens within one expert.
struct RoutingPlan {
  tensor::Tensor offsets;   // [E + 1] i32, rows of expert e are offsets[e] ... offsets[e + 1]
  tensor::Tensor row_pair;  // [T * K] i32, row -> pair; past the last row undefined
  tensor::Tensor pair_row;  // [T, K]  i32, pair -> row, -1 for an empty slot

  /// True if a tensor of that many rows holds all rows of the plan. On a device the last offset is
  /// out of sight: there only T * K, which always suffices, is known to.
  [[nodiscard]] bool fits_in(int64_t num_rows) const;
};

/// Sorts the pairs by expert with a stable counting sort.
///
///   expert_index  [T, K] i32, in [-1, num_experts); -1 = empty slot
///
/// Throws Error(kInvalidArgument) if an expert id is out of range (on the CPU).
/// Determinism: the order depends on expert_index alone.
[[nodiscard]] RoutingPlan plan(const Backend& backend, const tensor::Tensor& expert_index,
                               int64_t num_experts, tensor::Arena& arena);

}  // namespace switchyard::ops::moe
