#pragma once

#include <cstdint>
#include <span>

#include "tensor/dtype.h"
#include "tensor/memory.h"

namespace switchyard::ops::linalg {

/// Whether a factor of a product is transposed.
enum class Transpose { kNo, kYes };

/// A row-major matrix that a kernel reads, with `stride` elements from row to row.
struct MatrixView {
  const float* data = nullptr;
  int64_t stride = 0;
};

/// The same in bf16, as its bits.
struct Bf16View {
  const uint16_t* data = nullptr;
  int64_t stride = 0;
};

/// The same for a matrix that a kernel writes.
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
  tensor::DType compute = tensor::DType::kF32;  // the type that elements of a and b are rounded to
  bool past_caches = false;                     // with beta 0 only: c is large and not read soon
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

/// The kernels of this family. They run in the order of the stream.
struct Kernels {
  /// One product, as GemmDims says.
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

/// The kernels of the CPU; none is missing.
[[nodiscard]] Kernels cpu_kernels();
/// Defined in the CUDA module only. Entries without a CUDA kernel are null.
[[nodiscard]] Kernels cuda_kernels();

}  // namespace switchyard::ops::linalg
