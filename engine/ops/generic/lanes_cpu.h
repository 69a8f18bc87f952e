#pragma once

#include <cstdint>
#include <cstring>

namespace switchyard::ops::generic {

// Sums and maxima along a row are kept in sixteen lanes and joined in a fixed order, so that they
// are fast on any vector width and equal on all of them.

using FloatLanes = float __attribute__((vector_size(64)));
using HalfLanes = float __attribute__((vector_size(32)));
using DoubleLanes = double __attribute__((vector_size(64)));
inline constexpr int64_t kLanes = 16;

/// Sixteen sums in double.
struct LaneSums {
  DoubleLanes low{};
  DoubleLanes high{};
};

/// sums[j] += x[j] or x[j]^2.
template <bool kSquare>
[[gnu::always_inline]] inline void add_lanes(LaneSums& sums, const float* x) {
  HalfLanes low;
  HalfLanes high;
  std::memcpy(&low, x, sizeof(low));
  std::memcpy(&high, x + kLanes / 2, sizeof(high));
  const DoubleLanes a = __builtin_convertvector(low, DoubleLanes);
  const DoubleLanes b = __builtin_convertvector(high, DoubleLanes);
  sums.low += kSquare ? a * a : a;
  sums.high += kSquare ? b * b : b;
}

/// Sum of all lanes in a fixed order.
[[gnu::always_inline]] inline double total(const LaneSums& sums) {
  const DoubleLanes s = sums.low + sums.high;
  return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

/// Sum of x or of x^2 over a contiguous row.
template <bool kSquare>
[[gnu::always_inline]] inline double row_sum(const float* x, int64_t n) {
  LaneSums sums;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    add_lanes<kSquare>(sums, x + i);
  }
  double rest = 0.0;
  for (; i < n; ++i) {
    const double v = x[i];
    rest += kSquare ? v * v : v;
  }
  return total(sums) + rest;
}

/// The larger number; NaN if there is one.
[[gnu::always_inline]] inline float larger(float a, float b) {
  return (b > a || b != b) ? b : a;
}

/// Maximum of a contiguous row, and of `start`; NaN if there is one.
[[gnu::always_inline]] inline float row_max(const float* x, int64_t n, float start) {
  float result = start;
  int64_t i = 0;
  if (n >= kLanes) {
    FloatLanes best;
    std::memcpy(&best, x, sizeof(best));
    for (i = kLanes; i + kLanes <= n; i += kLanes) {
      FloatLanes v;
      std::memcpy(&v, x + i, sizeof(v));
      best = ((v > best) | (v != v)) ? v : best;
    }
    for (int64_t j = 0; j < kLanes; ++j) {
      result = larger(result, best[j]);
    }
  }
  for (; i < n; ++i) {
    result = larger(result, x[i]);
  }
  return result;
}

}  // namespace switchyard::ops::generic
