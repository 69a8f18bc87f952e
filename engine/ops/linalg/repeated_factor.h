#pragma once

#include "ops/linalg/multiplier.h"
#include "tensor/memory.h"

namespace switchyard::ops::linalg {

/// The right factor op(b) [K, N] of many products with few rows each, packed once for all of them.
/// Threads: multiply() [any].
class RepeatedFactor {
 public:
  RepeatedFactor(tensor::DType compute, MatrixView b, Transpose transpose, int64_t N, int64_t K)
      : way_(&multiplier(compute)), b_(b), dims_{.N = N, .K = K, .transpose_b = transpose} {}

  /// Floats that pack() needs for either transpose of an [N, K] matrix.
  [[nodiscard]] static int64_t packed_floats(tensor::DType compute, int64_t N, int64_t K);

  /// Packs the factor on all threads of the pool. `packed` has packed_floats() values, is aligned
  /// to 64 bytes and must outlive the products. Without this call products read the factor
  /// unpacked.
  void pack(const tensor::Stream& stream, float* packed);

  /// c = a op(b) + beta c for a [M, K], on the calling thread alone.
  void multiply(int64_t M, MatrixView a, float beta, MatrixOut c) const;

 private:
  const Multiplier* way_;
  MatrixView b_;
  GemmDims dims_;
  const float* packed_ = nullptr;
};

}  // namespace switchyard::ops::linalg
