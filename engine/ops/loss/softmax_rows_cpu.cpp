#include "ops/loss/softmax_rows_cpu.h"

#include <algorithm>
#include <array>
#include <limits>

#include "ops/clones.h"
#include "ops/generic/vector_math.h"

namespace switchyard::ops::loss {

namespace {

constexpr int64_t kLanes = 16;  // partial results of a reduction: a fixed order, room for vectors
using Lanes = std::array<float, kLanes>;

}  // namespace

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

}  // namespace switchyard::ops::loss
