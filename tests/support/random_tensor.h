#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <vector>

#include "core/rng.h"
#include "tensor/tensor.h"

namespace switchyard::tests {

/// count values in [-scale, scale), the same for the same seed.
inline std::vector<float> random_values(int64_t count, uint64_t seed, float scale = 1.0F) {
  const core::RngKey key = core::rng_key(seed, "test", 0);
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = scale * (2.0F * core::unit_float(core::random_word(key, {}, i)) - 1.0F);
  }
  return values;
}

inline tensor::Tensor random_tensor(const tensor::Shape& shape, uint64_t seed, float scale = 1.0F) {
  return tensor::Tensor::from<float>(shape, random_values(shape.count(), seed, scale));
}

inline tensor::Tensor zero_tensor(const tensor::Shape& shape) {
  return tensor::Tensor::from<float>(shape,
                                     std::vector<float>(static_cast<size_t>(shape.count()), 0.0F));
}

inline std::vector<double> to_double(const tensor::Tensor& t) {
  const std::vector<float> values = t.to_vector<float>();
  return {values.begin(), values.end()};
}

/// Central differences of a scalar function of `at`, in double.
inline std::vector<double> numeric_gradient(
    std::vector<double> at, const std::function<double(const std::vector<double>&)>& loss) {
  constexpr double kStep = 1e-5;
  std::vector<double> gradient(at.size());
  for (size_t i = 0; i < at.size(); ++i) {
    const double before = at[i];
    at[i] = before + kStep;
    const double above = loss(at);
    at[i] = before - kStep;
    const double below = loss(at);
    at[i] = before;
    gradient[i] = (above - below) / (2.0 * kStep);
  }
  return gradient;
}

/// |a - b| / max(|b|, floor), over all values together.
inline double relative_error(const std::vector<double>& a, const std::vector<double>& b,
                             double floor = 1e-12) {
  double difference = 0.0;
  double norm = 0.0;
  for (size_t i = 0; i < b.size(); ++i) {
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    norm += b[i] * b[i];
  }
  return std::sqrt(difference) / std::max(std::sqrt(norm), floor);
}

}  // namespace switchyard::tests
