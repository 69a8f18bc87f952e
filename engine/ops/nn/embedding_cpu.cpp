#include <algorithm>

#include "core/error.h"
#include "ops/clones.h"
#include "ops/nn/kernels.h"

namespace switchyard::ops::nn {

namespace {

constexpr int64_t kTokensPerPiece = 64;
constexpr int64_t kColumnsPerPiece = 64;

SWITCHYARD_CPU_CLONES
void add_rows(const EmbeddingDims& n, const float* grad_out, const int32_t* tokens, int64_t begin,
              int64_t end, float* grad_table) {
  for (int64_t t = 0; t < n.T; ++t) {
    float* out = grad_table + tokens[t] * n.D;
    const float* in = grad_out + t * n.D;
    for (int64_t d = begin; d < end; ++d) {
      out[d] += in[d];
    }
  }
}

void embedding(const tensor::Stream& stream, const EmbeddingDims& n, const float* table,
               const int32_t* tokens, float* out) {
  stream.threads->parallel_for(n.T, kTokensPerPiece, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      core::require(tokens[t] >= 0 && tokens[t] < n.V,
                    "embedding: word ids must be in [0, {}), position {} has {}", n.V, t,
                    tokens[t]);
      std::copy_n(table + tokens[t] * n.D, n.D, out + t * n.D);
    }
  });
}

// Threads share the columns, not the tokens: two tokens may be the same word.
void embedding_grad(const tensor::Stream& stream, const EmbeddingDims& n, const float* grad_out,
                    const int32_t* tokens, float* grad_table) {
  stream.threads->parallel_for(n.D, kColumnsPerPiece, [&](int64_t begin, int64_t end) {
    add_rows(n, grad_out, tokens, begin, end, grad_table);
  });
}

}  // namespace

void add_embedding_cpu(Kernels& kernels) {
  kernels.embedding = embedding;
  kernels.embedding_grad = embedding_grad;
}

}  // namespace switchyard::ops::nn
