#pragma once

#include <cstdint>

#include "tensor/cuda_launch.h"

// Kernels that give one warp to each row: how many blocks, which row, which lane.
namespace switchyard::ops::cuda {

inline constexpr int kWarpSize = 32;
inline constexpr int kThreadsPerBlock = 256;
inline constexpr int kRowsPerBlock = kThreadsPerBlock / kWarpSize;
inline constexpr unsigned kAllLanes = 0xffffffffU;

/// 0 for no rows: CUDA refuses an empty grid, so the caller must not launch.
[[nodiscard]] inline unsigned blocks_for_rows(int64_t num_rows) {
  return static_cast<unsigned>((num_rows + kRowsPerBlock - 1) / kRowsPerBlock);
}

[[nodiscard]] inline bool is_aligned_for_float4(const void* address) {
  return reinterpret_cast<uintptr_t>(address) % sizeof(float4) == 0;
}

/// The row of this thread's warp.
[[nodiscard]] inline __device__ int64_t warp_row() {
  return static_cast<int64_t>(blockIdx.x) * kRowsPerBlock + threadIdx.x / kWarpSize;
}

[[nodiscard]] inline __device__ int lane() {
  return static_cast<int>(threadIdx.x) % kWarpSize;
}

}  // namespace switchyard::ops::cuda
