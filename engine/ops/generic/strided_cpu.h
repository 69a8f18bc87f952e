#pragma once

#include <array>
#include <cstdint>

#include "ops/generic/walk.h"

namespace switchyard::ops::generic {

/// Elements per block of strided tensors, so that all buffers stay in the first-level cache.
inline constexpr int64_t kBlock = 1024;

template <typename T>
void copy_from_strided(T* to, const T* from, int64_t stride, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    to[i] = from[i * stride];
  }
}

/// Calls block(y, inputs, n) on contiguous runs of elements that cover the tensor y, whatever the
/// strides: runs that are not contiguous go through buffers of kBlock elements. The inputs
/// broadcast to y; an input may be y itself.
template <typename T, size_t kInputs, typename Block>
void map_blocks(const tensor::Stream& stream, const Walk& walk, T* y,
                const std::array<const T*, kInputs>& inputs, Block block) {
  bool contiguous = walk.inner_stride(0) == 1;
  for (size_t i = 0; i < kInputs; ++i) {
    contiguous = contiguous && walk.inner_stride(static_cast<int>(i) + 1) == 1;
  }
  walk.for_each_piece(stream, [&](int64_t row, int64_t begin, int64_t end) {
    const Walk::Offsets at = walk.offsets(row);
    T buffers[kInputs + 1][kBlock];
    std::array<const T*, kInputs> in;
    const int64_t step = contiguous ? end - begin : kBlock;
    for (int64_t first = begin; first < end; first += step) {
      const int64_t n = std::min(step, end - first);
      for (size_t i = 0; i < kInputs; ++i) {
        const int64_t stride = walk.inner_stride(static_cast<int>(i) + 1);
        in[i] = inputs[i] + at[i + 1] + first * stride;
        if (stride != 1) {
          copy_from_strided(buffers[i], in[i], stride, n);
          in[i] = buffers[i];
        }
      }
      const int64_t stride = walk.inner_stride(0);
      T* out = y + at[0] + first * stride;
      if (stride == 1) {
        block(out, in, n);
        continue;
      }
      block(buffers[kInputs], in, n);
      for (int64_t i = 0; i < n; ++i) {
        out[i * stride] = buffers[kInputs][i];
      }
    }
  });
}

}  // namespace switchyard::ops::generic
