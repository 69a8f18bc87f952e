#include <algorithm>
#include <array>
#include <cmath>

#include "ops/clones.h"
#include "ops/generic/vector_math.h"
#include "ops/nn/kernels.h"

namespace switchyard::ops::nn {

namespace {

// A Philox block of four words decides eight values, 16 bits each. Blocks are computed kBlocks at a
// time, side by side, so that the compiler can use vectors.
constexpr int kBlocks = 16;
constexpr int64_t kPerBlock = 8;
constexpr int64_t kPerBatch = kBlocks * kPerBlock;
constexpr int64_t kPiece = 64 * kPerBatch;

using Lanes = std::array<uint32_t, kBlocks>;

[[gnu::always_inline]] inline void philox_blocks(const core::RngPosition& position,
                                                 core::RngKey key, uint64_t first_block, Lanes& w0,
                                                 Lanes& w1, Lanes& w2, Lanes& w3) {
  const std::array<uint32_t, 4> counter = core::rng_counter(position, 0);
  for (size_t l = 0; l < kBlocks; ++l) {
    w0[l] = static_cast<uint32_t>(first_block + l);
    w1[l] = static_cast<uint32_t>((first_block + l) >> 32U);
    w2[l] = counter[2];
    w3[l] = counter[3];
  }
  for (int round = 0; round < 10; ++round) {
    for (size_t l = 0; l < kBlocks; ++l) {
      const uint64_t p0 = uint64_t{0xD2511F53U} * w0[l];
      const uint64_t p1 = uint64_t{0xCD9E8D57U} * w2[l];
      w0[l] = static_cast<uint32_t>(p1 >> 32U) ^ w1[l] ^ key.k0;
      w1[l] = static_cast<uint32_t>(p1);
      w2[l] = static_cast<uint32_t>(p0 >> 32U) ^ w3[l] ^ key.k1;
      w3[l] = static_cast<uint32_t>(p0);
    }
    key.k0 += 0x9E3779B9U;
    key.k1 += 0xBB67AE85U;
  }
}

// kept[i] for global elements [first, first + count), in a buffer that starts at a block.
SWITCHYARD_CPU_CLONES
void draw_kept(const DropoutDims& n, uint32_t threshold, uint64_t first_block, int64_t batches,
               uint8_t* kept) {
  Lanes w0;
  Lanes w1;
  Lanes w2;
  Lanes w3;
  for (int64_t batch = 0; batch < batches; ++batch) {
    philox_blocks(n.position, n.key, first_block + static_cast<uint64_t>(batch) * kBlocks, w0, w1,
                  w2, w3);
    uint8_t* out = kept + batch * kPerBatch;
    for (size_t l = 0; l < kBlocks; ++l) {
      const std::array<uint32_t, 4> words = {w0[l], w1[l], w2[l], w3[l]};
      for (size_t w = 0; w < 4; ++w) {
        out[l * 8 + 2 * w] = (words[w] & 0xFFFFU) >= threshold ? 1 : 0;
        out[l * 8 + 2 * w + 1] = (words[w] >> 16U) >= threshold ? 1 : 0;
      }
    }
  }
}

uint32_t threshold_of(float drop_probability) {
  return static_cast<uint32_t>(std::lround(drop_probability * 65536.0F));
}

// Draws for values [begin, end) of this call into kept + begin.
void draw_range(const DropoutDims& n, int64_t begin, int64_t end, uint8_t* kept) {
  std::array<uint8_t, kPiece + 2 * kPerBatch> buffer;
  const int64_t first = n.first_element + begin;
  const int64_t first_block = first / kPerBlock;
  const int64_t skip = first - first_block * kPerBlock;
  const int64_t batches = (skip + end - begin + kPerBatch - 1) / kPerBatch;
  draw_kept(n, threshold_of(n.drop_probability), static_cast<uint64_t>(first_block), batches,
            buffer.data());
  std::copy_n(buffer.data() + skip, end - begin, kept + begin);
}

SWITCHYARD_CPU_CLONES
void sigmoid_range(float* v, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    v[i] = generic::vsigmoid(v[i]);
  }
}

SWITCHYARD_CPU_CLONES
void add_kept(float scale, const float* residual, const float* v, const uint8_t* kept,
              int64_t begin, int64_t end, float* out) {
  for (int64_t i = begin; i < end; ++i) {
    const float base = residual != nullptr ? residual[i] : 0.0F;
    const float keep = kept != nullptr ? static_cast<float>(kept[i]) * scale : 1.0F;
    out[i] = base + keep * v[i];
  }
}

SWITCHYARD_CPU_CLONES
void grad_range(const DropoutDims& n, float scale, const float* grad_out, const float* activated,
                const uint8_t* kept, int64_t begin, int64_t end, float* grad_v) {
  for (int64_t i = begin; i < end; ++i) {
    const float keep = kept != nullptr ? static_cast<float>(kept[i]) * scale : 1.0F;
    const float slope =
        n.activation == OutputActivation::kSigmoid ? activated[i] * (1.0F - activated[i]) : 1.0F;
    grad_v[i] = grad_out[i] * keep * slope;
  }
}

// Inverse of the rounded probability of keeping a value, so that the mean stays exact.
float scale_of(float drop_probability) {
  return 65536.0F / (65536.0F - static_cast<float>(threshold_of(drop_probability)));
}

void residual_dropout(const tensor::Stream& stream, const DropoutDims& n, const float* residual,
                      float* v, float* out, uint8_t* kept) {
  const bool is_dropping = n.drop_probability > 0.0F;
  const float scale = scale_of(n.drop_probability);
  stream.threads->parallel_for(n.count, kPiece, [&](int64_t begin, int64_t end) {
    if (n.activation == OutputActivation::kSigmoid) {
      sigmoid_range(v, begin, end);
    }
    if (is_dropping) {
      draw_range(n, begin, end, kept);
    }
    add_kept(scale, residual, v, is_dropping ? kept : nullptr, begin, end, out);
  });
}

void residual_dropout_grad(const tensor::Stream& stream, const DropoutDims& n,
                           const float* grad_out, const float* activated, const uint8_t* kept,
                           float* grad_v) {
  const float scale = scale_of(n.drop_probability);
  const uint8_t* mask = n.drop_probability > 0.0F ? kept : nullptr;
  stream.threads->parallel_for(n.count, kPiece, [&](int64_t begin, int64_t end) {
    grad_range(n, scale, grad_out, activated, mask, begin, end, grad_v);
  });
}

}  // namespace

void add_residual_dropout_cpu(Kernels& kernels) {
  kernels.residual_dropout = residual_dropout;
  kernels.residual_dropout_grad = residual_dropout_grad;
}

}  // namespace switchyard::ops::nn
