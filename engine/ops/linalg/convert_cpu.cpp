#include "ops/linalg/convert_cpu.h"

#include <bit>

#include "ops/clones.h"

namespace switchyard::ops::linalg {

SWITCHYARD_CPU_CLONES
void to_bf16(MatrixView matrix, int64_t rows, int64_t columns, uint16_t* out) {
  for (int64_t r = 0; r < rows; ++r) {
    const float* from = matrix.data + r * matrix.stride;
    uint16_t* to = out + r * columns;
    for (int64_t c = 0; c < columns; ++c) {
      to[c] = static_cast<uint16_t>(bf16_bits_of(std::bit_cast<uint32_t>(from[c])));
    }
  }
}

SWITCHYARD_CPU_CLONES
void round_to_bf16(MatrixView matrix, int64_t rows, int64_t columns, float* out) {
  for (int64_t r = 0; r < rows; ++r) {
    const float* from = matrix.data + r * matrix.stride;
    float* to = out + r * columns;
    for (int64_t c = 0; c < columns; ++c) {
      to[c] = std::bit_cast<float>(bf16_bits_of(std::bit_cast<uint32_t>(from[c])) << 16);
    }
  }
}

SWITCHYARD_CPU_CLONES
void from_bf16(Bf16View matrix, int64_t rows, int64_t columns, float* out) {
  for (int64_t r = 0; r < rows; ++r) {
    const uint16_t* from = matrix.data + r * matrix.stride;
    float* to = out + r * columns;
    for (int64_t c = 0; c < columns; ++c) {
      to[c] = std::bit_cast<float>(static_cast<uint32_t>(from[c]) << 16);
    }
  }
}

}  // namespace switchyard::ops::linalg
