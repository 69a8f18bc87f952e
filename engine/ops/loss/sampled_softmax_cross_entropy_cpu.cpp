#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "ops/generic/vector_math.h"
#include "ops/loss/kernels.h"
#include "ops/loss/sampled_softmax_cross_entropy.h"
#include "ops/loss/softmax_rows_cpu.h"

namespace switchyard::ops::loss {

namespace {

// The target's logit is not part of the row. If the target was sampled too, that class is left out.
float one_sampled_token(const CrossEntropyDims& n, float* logits, const float* offsets,
                        float& target, int32_t hit) {
  if (hit == kTokenDoesNotCount) {
    std::fill_n(logits, n.V, 0.0F);
    target = 0.0F;
    return 0.0F;
  }
  if (hit >= 0) {
    logits[hit] = -std::numeric_limits<float>::infinity();
  }
  const float largest = std::max(add_bias(n.V, logits, offsets), target);
  const float at_target = target - largest;
  const float others = exponentiate(n.V, logits, largest);
  const float sum = others + generic::vexp(at_target);
  scale_row(n.V, logits, n.grad_scale / sum);
  target = -n.grad_scale * (others / sum);
  return std::log(sum) - at_target;
}

void sampled_softmax_cross_entropy(const tensor::Stream& stream, const CrossEntropyDims& n,
                                   const SampledSoftmaxBuffers& b) {
  constexpr int64_t kTokensPerPiece = 16;
  stream.threads->parallel_for(n.T, kTokensPerPiece, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      core::require(b.hits[t] >= kTokenDoesNotCount && b.hits[t] < n.V,
                    "sampled_softmax_cross_entropy: hits must be in [-2, {}), position {} has {}",
                    n.V, t, b.hits[t]);
      b.nll[t] = one_sampled_token(n, b.logits + t * n.V, b.offsets, b.target[t], b.hits[t]);
    }
  });
}

}  // namespace

void add_sampled_softmax_cross_entropy_cpu(Kernels& kernels) {
  kernels.sampled_softmax_cross_entropy = sampled_softmax_cross_entropy;
}

}  // namespace switchyard::ops::loss
