#pragma once

#include "ops/backend.h"
#include "tensor/arena.h"
#include "tensor/out.h"

namespace switchyard::ops::moe {

/// The rows [begin, end) of a tensor.
struct RowRange {
  int64_t begin = 0;
  int64_t end = 0;

  [[nodiscard]] bool is_empty() const { return begin == end; }
  [[nodiscard]] tensor::Tensor of(const tensor::Tensor& all) const {
    return all.slice(0, begin, end);
  }
};

/// Which rows belong to which of E experts: those of expert e are offsets[e] ... offsets[e + 1].
struct ExpertRows {
  tensor::Tensor offsets;                  // [E + 1] i32, from 0
  tensor::HostView<int32_t> host_offsets;  // the same on the host; empty where not read back

  /// The rows of the experts [first, first + count). Needs host_offsets.
  [[nodiscard]] RowRange rows_of(int64_t first, int64_t count) const;
};

/// The experts [first, first + count) alone, with offsets from 0, also on the host and without
/// another wait. Needs all.host_offsets. Takes count + 1 values from `arena` unless `first` is 0.
[[nodiscard]] ExpertRows part_of(const Backend& backend, const ExpertRows& all, int64_t first,
                                 int64_t count, tensor::Arena& arena);

/// One expert that has all `num_rows` rows. Takes 2 values from `arena`.
[[nodiscard]] ExpertRows rows_of_one_expert(const Backend& backend, int64_t num_rows,
                                            tensor::Arena& arena);

/// counted[i] = offsets[i] - offsets[0]   [n] i32
void group_offsets(const Backend& backend, const tensor::Tensor& offsets, tensor::Out counted);

/// sum += counts   [n] i32
void add_counts(const Backend& backend, const tensor::Tensor& counts, tensor::Out sum);

}  // namespace switchyard::ops::moe
