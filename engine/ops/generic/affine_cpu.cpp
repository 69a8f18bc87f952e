#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>

#include "ops/clones.h"
#include "ops/generic/kernels.h"
#include "ops/generic/walk.h"

namespace switchyard::ops::generic {

namespace {

using tensor::Bf16;
using tensor::DType;
using tensor::Out;
using tensor::Stream;
using tensor::Tensor;

// i32 needs 31 exact bits, so conversions from and to it are computed in double.
template <typename From, typename To>
using Number =
    std::conditional_t<std::is_same_v<From, int32_t> || std::is_same_v<To, int32_t>, double, float>;

template <typename N, typename From>
[[gnu::always_inline]] inline N load(From v) {
  if constexpr (std::is_same_v<From, Bf16>) {
    return static_cast<N>(std::bit_cast<float>(static_cast<uint32_t>(v.bits) << 16U));
  } else {
    return static_cast<N>(v);
  }
}

[[gnu::always_inline]] inline Bf16 round_to_bf16(float v) {
  const uint32_t bits = std::bit_cast<uint32_t>(v);
  const uint32_t nearest_even = (bits + 0x7FFFU + ((bits >> 16U) & 1U)) >> 16U;
  const uint32_t quiet_nan = (bits >> 16U) | 0x40U;
  return {.bits = static_cast<uint16_t>(v != v ? quiet_nan : nearest_even)};
}

template <typename To, typename N>
[[gnu::always_inline]] inline To store(N v) {
  if constexpr (std::is_same_v<To, Bf16>) {
    return round_to_bf16(static_cast<float>(v));
  } else if constexpr (std::is_same_v<To, int32_t>) {
    constexpr double kLow = std::numeric_limits<int32_t>::min();
    constexpr double kHigh = std::numeric_limits<int32_t>::max();
    double clamped = v < kLow ? kLow : v;
    clamped = clamped > kHigh ? kHigh : clamped;
    return static_cast<int32_t>(clamped != clamped ? 0.0 : clamped);
  } else {
    return static_cast<To>(v);
  }
}

// Part of a row: its beginning in both tensors and the strides.
struct Run {
  const void* x;
  int64_t x_stride;
  void* y;
  int64_t y_stride;
  int64_t n;
  double mul;
  double add;
};

// kPlain: mul is 1 and add is 0, so -0 stays -0.
template <typename From, typename To, bool kPlain>
[[gnu::always_inline]] inline void convert(const Run& run) {
  using N = Number<From, To>;
  const auto mul = static_cast<N>(run.mul);
  const auto add = static_cast<N>(run.add);
  const auto* x = static_cast<const From*>(run.x);
  auto* y = static_cast<To*>(run.y);
  if (run.x_stride == 1 && run.y_stride == 1) {
#pragma GCC ivdep
    for (int64_t i = 0; i < run.n; ++i) {
      const N v = load<N>(x[i]);
      y[i] = store<To>(kPlain ? v : mul * v + add);
    }
    return;
  }
  for (int64_t i = 0; i < run.n; ++i) {
    const N v = load<N>(x[i * run.x_stride]);
    y[i * run.y_stride] = store<To>(kPlain ? v : mul * v + add);
  }
}

template <typename T>
[[gnu::always_inline]] inline void copy_bits(const Run& run) {
  const auto* x = static_cast<const T*>(run.x);
  auto* y = static_cast<T*>(run.y);
  if (run.x_stride == 1 && run.y_stride == 1) {
    std::memmove(y, x, static_cast<size_t>(run.n) * sizeof(T));
    return;
  }
  for (int64_t i = 0; i < run.n; ++i) {
    y[i * run.y_stride] = x[i * run.x_stride];
  }
}

template <typename From, typename To>
[[gnu::always_inline]] inline void affine_pair(const Run& run) {
  if (run.mul != 1.0 || run.add != 0.0) {
    convert<From, To, false>(run);
  } else if constexpr (std::is_same_v<From, To>) {
    copy_bits<To>(run);
  } else {
    convert<From, To, true>(run);
  }
}

template <typename From>
[[gnu::always_inline]] inline void affine_from(DType to, const Run& run) {
  switch (to) {
    case DType::kF32:
      return affine_pair<From, float>(run);
    case DType::kI32:
      return affine_pair<From, int32_t>(run);
    default:
      return affine_pair<From, Bf16>(run);
  }
}

SWITCHYARD_CPU_CLONES void affine_run(DType from, DType to, const Run& run) {
  switch (from) {
    case DType::kF32:
      return affine_from<float>(to, run);
    case DType::kI32:
      return affine_from<int32_t>(to, run);
    case DType::kU8:
      return affine_from<uint8_t>(to, run);
    default:
      return affine_from<Bf16>(to, run);
  }
}

template <typename T>
void fill_with(const Stream& stream, T value, const Tensor& y) {
  const Walk walk(y.shape(), {&y});
  const int64_t stride = walk.inner_stride(0);
  T* data = y.data<T>();
  walk.for_each_piece(stream, [&](int64_t row, int64_t begin, int64_t end) {
    T* out = data + walk.offsets(row)[0];
    if (stride == 1) {
      std::fill(out + begin, out + end, value);
      return;
    }
    for (int64_t i = begin; i < end; ++i) {
      out[i * stride] = value;
    }
  });
}

void affine(const Stream& stream, const Tensor& x, double mul, double add, Out y) {
  const Walk walk(y->shape(), {&*y, &x});
  const int64_t x_size = tensor::size_of(x.dtype());
  const int64_t y_size = tensor::size_of(y->dtype());
  const int64_t x_stride = walk.inner_stride(1);
  const int64_t y_stride = walk.inner_stride(0);
  walk.for_each_piece(stream, [&](int64_t row, int64_t begin, int64_t end) {
    const Walk::Offsets at = walk.offsets(row);
    affine_run(x.dtype(), y->dtype(),
               {.x = static_cast<const char*>(x.raw()) + (at[1] + begin * x_stride) * x_size,
                .x_stride = x_stride,
                .y = static_cast<char*>(y->raw()) + (at[0] + begin * y_stride) * y_size,
                .y_stride = y_stride,
                .n = end - begin,
                .mul = mul,
                .add = add});
  });
}

void fill(const Stream& stream, double value, Out y) {
  switch (y->dtype()) {
    case DType::kF32:
      return fill_with(stream, static_cast<float>(value), y);
    case DType::kI32:
      return fill_with(stream, store<int32_t>(value), y);
    default:
      return fill_with(stream, store<Bf16>(value), y);
  }
}

}  // namespace

void add_affine_cpu(Kernels& kernels) {
  kernels.affine = affine;
  kernels.fill = fill;
}

}  // namespace switchyard::ops::generic
