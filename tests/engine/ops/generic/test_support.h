#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "core/thread_pool.h"
#include "ops/backend.h"
#include "ops/kernels.h"
#include "tensor/tensor.h"

namespace switchyard::ops::generic {

/// The CPU backend with a pool of its own.
class CpuTest : public testing::Test {
 protected:
  core::ThreadPool threads_{2};
  tensor::CpuDevice device_{threads_};
  Backend cpu_ = backend_on(device_);
};

inline std::vector<float> random_values(int64_t n, float scale = 1.0F, uint32_t seed = 1) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal(0.0F, scale);
  std::vector<float> out(static_cast<size_t>(n));
  for (float& v : out) {
    v = normal(engine);
  }
  return out;
}

inline tensor::Tensor random_tensor(const tensor::Shape& shape, float scale = 1.0F,
                                    uint32_t seed = 1) {
  return tensor::Tensor::from(shape, random_values(shape.count(), scale, seed));
}

template <typename T = float>
tensor::Tensor zeros(const tensor::Shape& shape) {
  return tensor::Tensor::from(shape, std::vector<T>(static_cast<size_t>(shape.count())));
}

/// An element of a tensor of any strides, by its row-major number.
template <typename T = float>
T& element(const tensor::Tensor& t, int64_t index) {
  int64_t offset = 0;
  for (int axis = t.dim() - 1; axis >= 0; --axis) {
    offset += index % t.size(axis) * t.stride(axis);
    index /= t.size(axis);
  }
  return t.data<T>()[offset];
}

template <typename T = float>
std::vector<T> values_of(const tensor::Tensor& t) {
  std::vector<T> out;
  for (int64_t i = 0; i < t.count(); ++i) {
    out.push_back(element<T>(t, i));
  }
  return out;
}

/// The two tensors hold the same bits.
inline bool same_bits(const tensor::Tensor& a, const tensor::Tensor& b) {
  for (int64_t i = 0; i < a.count(); ++i) {
    if (std::bit_cast<uint32_t>(element(a, i)) != std::bit_cast<uint32_t>(element(b, i))) {
      return false;
    }
  }
  return a.count() == b.count();
}

/// Views of one shape with every kind of stride: contiguous, rows apart, columns apart, a middle
/// slice of three dimensions.
inline std::vector<tensor::Tensor> strided_views(int64_t rows, int64_t columns, uint32_t seed) {
  std::vector<tensor::Tensor> out;
  out.push_back(random_tensor({rows, columns}, 1.0F, seed));
  out.push_back(random_tensor({rows, columns + 3}, 1.0F, seed).slice(1, 2, columns + 2));
  out.push_back(random_tensor({rows, columns, 2}, 1.0F, seed).select(2, 1));
  out.push_back(
      random_tensor({rows, 3, columns + 1}, 1.0F, seed).select(1, 1).slice(1, 0, columns));
  return out;
}

/// Runs fn(backend) with pools of one, two and three threads, and expects equal bits of its result.
template <typename Fn>
void expect_same_for_any_threads(Fn fn) {
  core::ThreadPool one(1);
  tensor::CpuDevice on_one{one};
  core::ThreadPool two(2);
  tensor::CpuDevice on_two{two};
  core::ThreadPool three(3);
  tensor::CpuDevice on_three{three};
  const tensor::Tensor first = fn(backend_on(on_one));
  EXPECT_TRUE(same_bits(first, fn(backend_on(on_two))));
  EXPECT_TRUE(same_bits(first, fn(backend_on(on_three))));
}

/// fn() throws Error(kInvalidArgument) whose message contains `text`.
template <typename Fn>
void expect_invalid(Fn fn, const std::string& text) {
  try {
    fn();
    ADD_FAILURE() << "nothing was thrown; expected: " << text;
  } catch (const core::Error& error) {
    EXPECT_EQ(error.code(), core::ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find(text), std::string::npos) << error.what();
  }
}

}  // namespace switchyard::ops::generic
