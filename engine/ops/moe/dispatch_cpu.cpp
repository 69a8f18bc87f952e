#include <algorithm>

#include "ops/clones.h"
#include "ops/moe/kernels.h"

namespace switchyard::ops::moe {

namespace {

constexpr int64_t kTokensPerPiece = 64;
constexpr int64_t kLabelsPerPiece = 4096;

void dispatch(const tensor::Stream& stream, const RoutingDims& n, const float* x,
              const int32_t* row_pair, const int32_t* num_rows, float* rows) {
  stream.threads->parallel_for(*num_rows, kTokensPerPiece, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      std::copy_n(x + row_pair[row] / n.K * n.D, n.D, rows + row * n.D);
    }
  });
}

void dispatch_labels(const tensor::Stream& stream, const RoutingDims& n, const void* tokens,
                     int64_t bytes, const int32_t* row_pair, const int32_t* num_rows, void* rows) {
  auto* to = static_cast<char*>(rows);
  const auto* from = static_cast<const char*>(tokens);
  stream.threads->parallel_for(*num_rows, kLabelsPerPiece, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      std::copy_n(from + row_pair[row] / n.K * bytes, bytes, to + row * bytes);
    }
  });
}

SWITCHYARD_CPU_CLONES
void dispatch_grad_tokens(const RoutingDims& n, const float* grad_rows, const int32_t* pair_row,
                          int64_t begin, int64_t end, float* grad_x) {
  for (int64_t t = begin; t < end; ++t) {
    float* out = grad_x + t * n.D;
    for (int64_t k = 0; k < n.K; ++k) {
      const int32_t row = pair_row[t * n.K + k];
      if (row < 0) {
        continue;
      }
      const float* in = grad_rows + row * n.D;
      for (int64_t d = 0; d < n.D; ++d) {
        out[d] += in[d];
      }
    }
  }
}

void dispatch_grad(const tensor::Stream& stream, const RoutingDims& n, const float* grad_rows,
                   const int32_t* pair_row, float* grad_x) {
  stream.threads->parallel_for(n.T, kTokensPerPiece, [&](int64_t begin, int64_t end) {
    dispatch_grad_tokens(n, grad_rows, pair_row, begin, end, grad_x);
  });
}

}  // namespace

void add_dispatch_cpu(Kernels& kernels) {
  kernels.dispatch = dispatch;
  kernels.dispatch_grad = dispatch_grad;
  kernels.dispatch_labels = dispatch_labels;
}

}  // namespace switchyard::ops::moe
