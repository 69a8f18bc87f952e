#include <algorithm>

#include "ops/loss/kernels.h"
#include "ops/loss/sampled_softmax_cross_entropy.h"

namespace switchyard::ops::loss {

namespace {

void find_hits(const tensor::Stream& /*stream*/, const SampleDims& n, const int32_t* sample,
               const int32_t* targets, int32_t* hits) {
  const int32_t* end = sample + n.K;
  for (int64_t t = 0; t < n.T; ++t) {
    const int32_t* found = std::lower_bound(sample, end, targets[t]);
    const bool is_hit = found != end && *found == targets[t];
    const int32_t miss = targets[t] < 0 ? kTokenDoesNotCount : kTargetNotSampled;
    hits[t] = is_hit ? static_cast<int32_t>(found - sample) : miss;
  }
}

void subtract_log_counts(const tensor::Stream& /*stream*/, int64_t count, const float* bias,
                         const int32_t* classes, const double* log_counts, float* offsets) {
  for (int64_t i = 0; i < count; ++i) {
    offsets[i] = classes[i] < 0
                     ? 0.0F
                     : static_cast<float>(static_cast<double>(bias[classes[i]]) - log_counts[i]);
  }
}

}  // namespace

void add_sampled_classes_cpu(Kernels& kernels) {
  kernels.find_hits = find_hits;
  kernels.subtract_log_counts = subtract_log_counts;
}

}  // namespace switchyard::ops::loss
