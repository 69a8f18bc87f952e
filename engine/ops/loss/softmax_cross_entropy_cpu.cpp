#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "ops/clones.h"
#include "ops/generic/vector_math.h"
#include "ops/loss/kernels.h"
#include "ops/loss/sampled_softmax_cross_entropy.h"

namespace switchyard::ops::loss {

namespace {

constexpr int64_t kLanes = 16;  // partial results of a reduction: a fixed order, room for vectors
using Lanes = std::array<float, kLanes>;

// logits += bias; returns the largest.
SWITCHYARD_CPU_CLONES
float add_bias(int64_t V, float* logits, const float* bias) {
  Lanes largest;
  largest.fill(-std::numeric_limits<float>::infinity());
  int64_t v = 0;
  for (; v + kLanes <= V; v += kLanes) {
    for (int64_t l = 0; l < kLanes; ++l) {
      const float x = logits[v + l] + bias[v + l];
      logits[v + l] = x;
      auto& seen = largest[static_cast<size_t>(l)];
      seen = x > seen ? x : seen;
    }
  }
  for (; v < V; ++v) {
    logits[v] += bias[v];
    largest[0] = std::max(largest[0], logits[v]);
  }
  return *std::max_element(largest.begin(), largest.end());
}

// logits = exp(logits - largest); returns their sum.
SWITCHYARD_CPU_CLONES
float exponentiate(int64_t V, float* logits, float largest) {
  Lanes sums{};
  int64_t v = 0;
  for (; v + kLanes <= V; v += kLanes) {
    for (int64_t l = 0; l < kLanes; ++l) {
      const float e = generic::vexp(logits[v + l] - largest);
      logits[v + l] = e;
      sums[static_cast<size_t>(l)] += e;
    }
  }
  for (; v < V; ++v) {
    logits[v] = generic::vexp(logits[v] - largest);
    sums[0] += logits[v];
  }
  float total = 0.0F;
  for (const float sum : sums) {
    total += sum;
  }
  return total;
}

SWITCHYARD_CPU_CLONES
void scale_row(int64_t V, float* row, float factor) {
  for (int64_t v = 0; v < V; ++v) {
    row[v] *= factor;
  }
}

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

void softmax_cross_entropy(const tensor::Stream& stream, const CrossEntropyDims& n, float* nll,
                           float* logits, const float* bias, const int32_t* targets,
                           int32_t with_grad) {
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

// The target stands outside of the row; where it is among the sampled classes, that one is left
// out.
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

Kernels cpu_kernels() {
  return {.softmax_cross_entropy = softmax_cross_entropy,
          .sampled_softmax_cross_entropy = sampled_softmax_cross_entropy};
}

}  // namespace switchyard::ops::loss
