#pragma once

#include "ops/moe/expert_rows.h"

namespace switchyard::ops::moe {

/// The order in which experts get their rows. There are T * K pairs of a token and one of its
/// experts; the rows are the pairs sorted by expert, in the order of the tokens within one expert.
struct RoutingPlan {
  tensor::Tensor offsets;   // [E + 1] i32, rows of expert e are offsets[e] ... offsets[e + 1]
  tensor::Tensor row_pair;  // [T * K] i32, row -> pair; past the last row undefined
  tensor::Tensor pair_row;  // [T, K]  i32, pair -> row, -1 for an empty slot
  tensor::HostView<int32_t> host_offsets;  // offsets on the host

  [[nodiscard]] int64_t num_rows() const { return host_offsets.back(); }
  /// The rows of each expert.
  [[nodiscard]] ExpertRows experts() const {
    return {.offsets = offsets, .host_offsets = host_offsets};
  }
  /// The rows of the experts [first, first + count).
  [[nodiscard]] RowRange rows_of(int64_t first, int64_t count) const {
    return experts().rows_of(first, count);
  }
  /// True if a tensor of that many rows holds all rows of the plan. Without host_offsets, true only
  /// from T * K rows on, which always suffice.
  [[nodiscard]] bool fits_in(int64_t rows) const {
    return rows >= (host_offsets.empty() ? row_pair.count() : num_rows());
  }
};

/// Sorts the pairs by expert with a stable counting sort, then waits for the offsets. A layer reads
/// from its device nowhere else.
///
///   expert_index  [T, K] i32, in [-1, num_experts); -1 = empty slot
///
/// Throws Error(kInvalidArgument) if an expert id is out of range (on the CPU).
/// Determinism: the order depends on expert_index alone.
[[nodiscard]] RoutingPlan plan(const Backend& backend, const tensor::Tensor& expert_index,
                               int64_t num_experts, tensor::Arena& arena);

}  // namespace switchyard::ops::moe
