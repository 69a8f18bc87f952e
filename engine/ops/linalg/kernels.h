#pragma once

#include <cstdint>
#include <span>

#include "tensor/dtype.h"
#include "tensor/memory.h"

namespace switchyard::ops::linalg {

enum class Transpose { kNo, kYes };

/// A row-major matrix with `stride` elements from row to row.
struct MatrixView {
  const float* data = nullptr;
  int64_t stride = 0;
};

/// The same of bf16, as its bits.
struct Bf16View {
  const uint16_t* data = nullptr;
  int64_t stride = 0;
};

struct MatrixOut {
  float* data = nullptr;
  int64_t stride = 0;
};

/// c [M, N] = alpha op(a) op(b) + beta c, with K the length of the products.
struct GemmDims {
  int64_t M = 0;
  int64_t N = 0;
  int64_t K = 0;
  Transpose transpose_a = Transpose::kNo;
  Transpose transpose_b = Transpose::kNo;
  float alpha = 1.0F;
  float beta = 0.0F;
  tensor::DType compute = tensor::DType::kF32;  // what elements of a and b are rounded to
  bool past_caches = false;                     // where beta is 0: c is large and not read soon
};

/// Modes of a grouped product; the values are those of SY_GG_*.
enum class GroupedMode : int32_t { kForward, kGradInput, kGradWeight };

/// G groups; the weights are [G, K, M].
struct GroupedDims {
  int64_t G = 0;
  int64_t K = 0;
  int64_t M = 0;
  float alpha = 1.0F;
  float beta = 0.0F;
  tensor::DType compute = tensor::DType::kF32;
};

struct Kernels {
  void (*gemm)(const tensor::Stream&, const GemmDims&, MatrixView a, MatrixView b,
               MatrixOut c) = nullptr;
  /// offsets [G + 1] lie on the device. a, b and c as in SY_GG_*.
  void (*grouped_gemm)(const tensor::Stream&, GroupedMode, const GroupedDims&,
                       const int32_t* offsets, MatrixView a, MatrixView b, MatrixOut c) = nullptr;
  /// The same with weights in bf16, so not for kGradWeight.
  void (*grouped_gemm_bf16)(const tensor::Stream&, GroupedMode, const GroupedDims&,
                            const int32_t* offsets, MatrixView a, Bf16View b,
                            MatrixOut c) = nullptr;
};

[[nodiscard]] Kernels cpu_kernels();
/// In the CUDA module only. What has no kernel there stays null.
[[nodiscard]] Kernels cuda_kernels();

}  // namespace switchyard::ops::linalg
