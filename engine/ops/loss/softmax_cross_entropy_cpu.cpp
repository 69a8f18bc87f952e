#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "ops/loss/kernels.h"
#include "ops/loss/softmax_rows_cpu.h"

namespace switchyard::ops::loss {

namespace {

float one_token(const CrossEntropyDims& n, float* logits, const float* bias, int32_t target,
                bool with_grad) {
  if (target < 0) {
    if (with_grad) {
      std::fill_n(logits, n.V, 0.0F);
    }
    return 0.0F;
  }
  const float largest = add_bias(n.V, logits, bias);
  const float at_target = logits[target] - largest;
  const float sum = exponentiate(n.V, logits, largest);
  if (with_grad) {
    scale_row(n.V, logits, n.grad_scale / sum);
    logits[target] -= n.grad_scale;
  }
  return std::log(sum) - at_target;
}

void softmax_cross_entropy(const tensor::Stream& stream, const CrossEntropyDims& n,
                           const float* bias, const int32_t* targets, int32_t with_grad,
                           float* logits, float* nll) {
  constexpr int64_t kTokensPerPiece = 16;
  stream.threads->parallel_for(n.T, kTokensPerPiece, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      core::require(targets[t] >= -1 && targets[t] < n.V,
                    "softmax_cross_entropy: targets must be in [-1, {}), position {} has {}", n.V,
                    t, targets[t]);
      nll[t] = one_token(n, logits + t * n.V, bias, targets[t], with_grad != 0);
    }
  });
}

}  // namespace

void add_softmax_cross_entropy_cpu(Kernels& kernels) {
  kernels.softmax_cross_entropy = softmax_cross_entropy;
}

}  // namespace switchyard::ops::loss
