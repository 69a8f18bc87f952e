#include "ops/moe/kernels.h"

namespace switchyard::ops::moe {

namespace {

void group_offsets(const tensor::Stream& /*stream*/, int64_t count, const int32_t* offsets,
                   int32_t* counted) {
  for (int64_t i = 0; i < count; ++i) {
    counted[i] = offsets[i] - offsets[0];
  }
}

void add_counts(const tensor::Stream& /*stream*/, int64_t count, const int32_t* counts,
                int32_t* sum) {
  for (int64_t i = 0; i < count; ++i) {
    sum[i] += counts[i];
  }
}

}  // namespace

void add_expert_rows_cpu(Kernels& kernels) {
  kernels.group_offsets = group_offsets;
  kernels.add_counts = add_counts;
}

}  // namespace switchyard::ops::moe
