#include <algorithm>
#include <array>

#include "ops/clones.h"
#include "ops/moe/kernels.h"

namespace switchyard::ops::moe {

namespace {

constexpr int64_t kTokensPerPiece = 64;
constexpr int kLanes = 16;  // partial sums of a dot product: a fixed order, and room for vectors

SWITCHYARD_CPU_CLONES
void combine_tokens(const RoutingDims& n, const float* rows, const float* gate_weight,
                    const int32_t* pair_row, int64_t begin, int64_t end, float* y) {
  for (int64_t t = begin; t < end; ++t) {
    float* out = y + t * n.D;
    std::fill_n(out, n.D, 0.0F);
    for (int64_t k = 0; k < n.K; ++k) {
      const int64_t pair = t * n.K + k;
      if (pair_row[pair] < 0) {
        continue;
      }
      const float weight = gate_weight[pair];
      const float* in = rows + pair_row[pair] * n.D;
      for (int64_t d = 0; d < n.D; ++d) {
        out[d] += weight * in[d];
      }
    }
  }
}

void combine(const tensor::Stream& stream, const RoutingDims& n, const float* rows,
             const float* gate_weight, const int32_t* pair_row, float* y) {
  stream.threads->parallel_for(n.T, kTokensPerPiece, [&](int64_t begin, int64_t end) {
    combine_tokens(n, rows, gate_weight, pair_row, begin, end, y);
  });
}

// out = weight * a; returns <a, b>.
inline float scale_and_dot(float weight, const float* a, const float* b, int64_t count,
                           float* out) {
  std::array<float, kLanes> sums{};
  int64_t d = 0;
  for (; d + kLanes <= count; d += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) {
      out[d + lane] = weight * a[d + lane];
      sums[static_cast<size_t>(lane)] += a[d + lane] * b[d + lane];
    }
  }
  for (; d < count; ++d) {
    out[d] = weight * a[d];
    sums[0] += a[d] * b[d];
  }
  float total = 0.0F;
  for (const float sum : sums) {
    total += sum;
  }
  return total;
}

SWITCHYARD_CPU_CLONES
void combine_grad_tokens(const RoutingDims& n, const float* grad_y, const float* rows,
                         const float* gate_weight, const int32_t* pair_row, int64_t begin,
                         int64_t end, float* grad_rows, float* grad_gate_weight) {
  for (int64_t pair = begin * n.K; pair < end * n.K; ++pair) {
    const int32_t row = pair_row[pair];
    grad_gate_weight[pair] = row < 0 ? 0.0F
                                     : scale_and_dot(gate_weight[pair], grad_y + pair / n.K * n.D,
                                                     rows + row * n.D, n.D, grad_rows + row * n.D);
  }
}

void combine_grad(const tensor::Stream& stream, const RoutingDims& n, const float* grad_y,
                  const float* rows, const float* gate_weight, const int32_t* pair_row,
                  float* grad_rows, float* grad_gate_weight) {
  stream.threads->parallel_for(n.T, kTokensPerPiece, [&](int64_t begin, int64_t end) {
    combine_grad_tokens(n, grad_y, rows, gate_weight, pair_row, begin, end, grad_rows,
                        grad_gate_weight);
  });
}

}  // namespace

void add_combine_cpu(Kernels& kernels) {
  kernels.combine = combine;
  kernels.combine_grad = combine_grad;
}

}  // namespace switchyard::ops::moe
