#pragma once

#include "ops/linalg/kernels.h"
#include "ops/linalg/tiles.h"

namespace switchyard::ops::linalg {

// Our own matrix products, by packed panels and tiles held in registers (Goto and van de Geijn
// 2008, "Anatomy of high-performance matrix multiplication"). See Multiplier for the meaning.

void tiled_gemm(const TileSet& tiles, const GemmDims& n, MatrixView a, MatrixView b, MatrixOut c);
void tiled_gemm(const TileSet& tiles, const GemmDims& n, MatrixView a, Bf16View b, MatrixOut c);
/// The most floats of a left factor of `rows` rows that a thread keeps packed.
[[nodiscard]] int64_t tiled_left_floats(int64_t rows);
[[nodiscard]] int64_t tiled_packed_floats(const TileSet& tiles, int64_t N, int64_t K);
void tiled_pack(const TileSet& tiles, const GemmDims& n, MatrixView b, int64_t begin, int64_t end,
                float* packed);
void tiled_gemm_packed(const TileSet& tiles, const GemmDims& n, MatrixView a, const float* packed,
                       MatrixOut c);

}  // namespace switchyard::ops::linalg
