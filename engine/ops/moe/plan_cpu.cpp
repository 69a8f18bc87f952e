#include <algorithm>

#include "core/error.h"
#include "ops/moe/kernels.h"

namespace switchyard::ops::moe {

namespace {

void plan(const tensor::Stream& /*stream*/, const RoutingDims& n, const int32_t* expert_index,
          int32_t* offsets, int32_t* row_pair, int32_t* pair_row) {
  const int64_t pairs = n.T * n.K;
  std::fill_n(offsets, n.E + 1, 0);
  for (int64_t pair = 0; pair < pairs; ++pair) {
    const int32_t e = expert_index[pair];
    core::require(e >= -1 && e < n.E, "plan: expert ids must be in [-1, {}), token {} has {}", n.E,
                  pair / n.K, e);
    if (e >= 0) {
      ++offsets[e + 1];
    }
  }
  for (int64_t e = 0; e < n.E; ++e) {
    offsets[e + 1] += offsets[e];
  }
  // offsets[e] runs from the start of expert e to its end while the rows are dealt, ...
  for (int64_t pair = 0; pair < pairs; ++pair) {
    const int32_t e = expert_index[pair];
    pair_row[pair] = e < 0 ? -1 : offsets[e]++;
    if (e >= 0) {
      row_pair[pair_row[pair]] = static_cast<int32_t>(pair);
    }
  }
  // ... which is the start of expert e + 1: move every entry up by one.
  std::copy_backward(offsets, offsets + n.E, offsets + n.E + 1);
  offsets[0] = 0;
}

}  // namespace

void add_plan_cpu(Kernels& kernels) {
  kernels.plan = plan;
}

}  // namespace switchyard::ops::moe
