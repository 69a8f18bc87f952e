#include "ops/linalg/repeated_factor.h"

#include <algorithm>

namespace switchyard::ops::linalg {

int64_t RepeatedFactor::packed_floats(tensor::DType compute, int64_t N, int64_t K) {
  constexpr int64_t kAlignedFloats = 16;  // so that another can follow it
  const auto floats = multiplier(compute).packed_floats;
  const int64_t most = std::max(floats(N, K), floats(K, N));
  return (most + kAlignedFloats - 1) / kAlignedFloats * kAlignedFloats;
}

void RepeatedFactor::pack(const tensor::Stream& stream, float* packed) {
  constexpr int64_t kColumnsPerPiece = 2 * kPackedColumns;
  stream.threads->parallel_for(dims_.N, kColumnsPerPiece, [&](int64_t begin, int64_t end) {
    way_->pack(dims_, b_, begin, end, packed);
  });
  packed_ = packed;
}

void RepeatedFactor::multiply(int64_t M, MatrixView a, float beta, MatrixOut c) const {
  GemmDims dims = dims_;
  dims.M = M;
  dims.beta = beta;
  if (packed_ != nullptr) {
    way_->gemm_packed(dims, a, packed_, c);
  } else {
    way_->gemm(dims, a, b_, c);
  }
}

}  // namespace switchyard::ops::linalg
