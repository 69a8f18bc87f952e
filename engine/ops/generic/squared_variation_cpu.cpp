#include <algorithm>

#include "ops/generic/kernels.h"
#include "ops/generic/lanes_cpu.h"
#include "ops/generic/strided_cpu.h"

// Every step rounds to f32 as separate ops would, and sums run in the order of reduce(). This file
// is compiled without contraction to fused multiply-adds.

namespace switchyard::ops::generic {

namespace {

using tensor::Out;
using tensor::Stream;
using tensor::Tensor;

constexpr float kTinySquare = 1e-30F;  // below the squared mean of any real batch

/// Mean, mean^2 and CV^2 of a vector.
struct Variation {
  float mean;
  float mean_square;
  float value;
};

double sum(const float* x, int64_t n) {
  double total = 0.0;
  for (int64_t first = 0; first < n; first += kGrain) {
    total += row_sum<false>(x + first, std::min(kGrain, n - first));
  }
  return total;
}

// Sum of (x - mean)^2 of at most kGrain elements.
double piece_of_squares(const float* x, int64_t n, float mean) {
  static_assert(kBlock % kLanes == 0);
  float deviation[kBlock];
  LaneSums sums;
  double rest = 0.0;
  for (int64_t first = 0; first < n; first += kBlock) {
    const int64_t length = std::min(kBlock, n - first);
    for (int64_t i = 0; i < length; ++i) {
      deviation[i] = x[first + i] - mean;
    }
    int64_t i = 0;
    for (; i + kLanes <= length; i += kLanes) {
      add_lanes<true>(sums, deviation + i);
    }
    for (; i < length; ++i) {
      const double v = deviation[i];
      rest += v * v;
    }
  }
  return total(sums) + rest;
}

Variation variation_of(const Tensor& x) {
  const auto* data = x.data<float>();
  const int64_t n = x.count();
  const auto mean = static_cast<float>(sum(data, n) / static_cast<double>(n));
  double squares = 0.0;
  for (int64_t first = 0; first < n; first += kGrain) {
    squares += piece_of_squares(data + first, std::min(kGrain, n - first), mean);
  }
  const auto one_per_n = static_cast<float>(1.0 / static_cast<double>(n));
  const float variance = static_cast<float>(squares) * one_per_n;
  const float square = mean * mean;
  const float at_least_tiny = (square > kTinySquare || square != square) ? square : kTinySquare;
  return {.mean = mean, .mean_square = at_least_tiny, .value = variance / at_least_tiny};
}

void squared_variation(const Stream& /*stream*/, const Tensor& x, double weight, Out y) {
  *y->data<float>() += variation_of(x).value * static_cast<float>(weight);
}

void squared_variation_grad(const Stream& /*stream*/, const Tensor& x, double weight,
                            const Tensor& dy, Out dx) {
  const Variation v = variation_of(x);
  const int64_t n = x.count();
  const auto share = static_cast<float>(2.0 * weight / static_cast<double>(n));
  const float factor = *dy.data<float>() * share / v.mean_square;
  const float shift = v.mean * v.value;
  const auto* from = x.data<float>();
  auto* to = dx->data<float>();
  for (int64_t i = 0; i < n; ++i) {
    const float deviation = from[i] - v.mean;
    to[i] = (deviation - shift) * factor;
  }
}

}  // namespace

void add_squared_variation_cpu(Kernels& kernels) {
  kernels.squared_variation = squared_variation;
  kernels.squared_variation_grad = squared_variation_grad;
}

}  // namespace switchyard::ops::generic
