#pragma once

#include <span>

#include "ops/linalg/kernels.h"

namespace switchyard::ops::linalg {

/// One implementation of matrix products. It runs on the calling thread, for CPU kernels that are
/// already parallel. The order of its sums depends on the shapes alone. Threads: [any].
struct Multiplier {
  const char* name = nullptr;
  bool is_native = false;  // the machine has instructions for products of that type
  /// The type that elements of a and b are rounded to; sums and c are f32.
  tensor::DType compute = tensor::DType::kF32;
  /// c = alpha op(a) op(b) + beta c; with beta 0 the old content of c is not read.
  void (*gemm)(const GemmDims&, MatrixView a, MatrixView b, MatrixOut c) = nullptr;
  /// gemm() with a factor stored in bf16.
  void (*gemm_bf16)(const GemmDims&, MatrixView a, Bf16View b, MatrixOut c) = nullptr;

  // A factor of many products is packed once, in the layout that they read fastest.

  /// Floats that op(b) [K, N] takes when it is packed.
  int64_t (*packed_floats)(int64_t N, int64_t K) = nullptr;
  /// Packs the columns [begin, end) of op(b). begin is a multiple of kPackedColumns, as is end
  /// unless it is N. Several threads may pack different ranges at once. Reads N, K and transpose_b
  /// of GemmDims.
  void (*pack)(const GemmDims&, MatrixView b, int64_t begin, int64_t end, float* packed) = nullptr;
  /// gemm() with a packed op(b).
  void (*gemm_packed)(const GemmDims&, MatrixView a, const float* packed, MatrixOut c) = nullptr;
};

inline constexpr int64_t kPackedColumns = 32;

/// The fastest implementation on this machine. compute is kF32 or kBf16.
[[nodiscard]] const Multiplier& multiplier(tensor::DType compute);

/// The type in which this machine multiplies fastest: kBf16 where it has instructions for it.
[[nodiscard]] tensor::DType fastest_compute();

/// Every implementation that runs on this machine, the fastest for its compute type first.
[[nodiscard]] std::span<const Multiplier> multipliers();

}  // namespace switchyard::ops::linalg
