#pragma once

#include <cstdint>

#include "ops/linalg/kernels.h"

namespace switchyard::ops::linalg {

// Dense copies of matrices for products in bf16. On the calling thread.

/// The number to nearest with ties to even; NaN stays NaN.
[[nodiscard]] inline uint32_t bf16_bits_of(uint32_t f32_bits) {
  constexpr uint32_t kQuiet = 0x400000;
  const uint32_t rounded = f32_bits + 0x7fff + ((f32_bits >> 16) & 1U);
  const bool is_nan = (f32_bits & 0x7fffffff) > 0x7f800000;
  return (is_nan ? f32_bits | kQuiet : rounded) >> 16;
}

/// out [rows, columns], dense: the matrix in bf16.
void to_bf16(MatrixView matrix, int64_t rows, int64_t columns, uint16_t* out);

/// out [rows, columns], dense: every number rounded to bf16 and back.
void round_to_bf16(MatrixView matrix, int64_t rows, int64_t columns, float* out);

/// out [rows, columns], dense: the matrix in f32.
void from_bf16(Bf16View matrix, int64_t rows, int64_t columns, float* out);

}  // namespace switchyard::ops::linalg
