#include "ops/moe/expert_rows_cpu.h"

namespace switchyard::ops::moe {

void group_offsets_cpu(const tensor::Stream& /*stream*/, int64_t count, const int32_t* offsets,
                       int32_t* counted) {
  for (int64_t i = 0; i < count; ++i) {
    counted[i] = offsets[i] - offsets[0];
  }
}

void add_counts_cpu(const tensor::Stream& /*stream*/, int64_t count, const int32_t* counts,
                    int32_t* sum) {
  for (int64_t i = 0; i < count; ++i) {
    sum[i] += counts[i];
  }
}

}  // namespace switchyard::ops::moe
