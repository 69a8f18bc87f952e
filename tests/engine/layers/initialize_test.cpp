#include "layers/initialize.h"

#include <bit>
#include <cmath>

#include <gtest/gtest.h>

namespace switchyard::layers {
namespace {

tensor::Tensor filled_tensor(const tensor::Init& init, const std::string& name, uint64_t seed,
                             tensor::DType dtype, int64_t count, int num_threads) {
  tensor::ParameterSet parameters;
  tensor::CpuAllocator allocator;
  core::ThreadPool threads(num_threads);
  tensor::CpuDevice device{threads};
  parameters.add({.name = name, .shape = {count}, .dtype = dtype, .init = init});
  parameters.allocate(allocator);
  initialize(ops::backend_on(device), parameters, seed);
  return parameters.find(name)->value;
}

std::vector<float> filled(const tensor::Init& init, const std::string& name, uint64_t seed,
                          int num_threads = 1) {
  return filled_tensor(init, name, seed, tensor::DType::kF32, 20000, num_threads)
      .to_vector<float>();
}

struct Moments {
  double mean = 0.0;
  double variance = 0.0;
  double largest = 0.0;
};

Moments moments(const std::vector<float>& values) {
  Moments m;
  for (const double v : values) {
    m.mean += v / static_cast<double>(values.size());
    m.largest = std::max(m.largest, std::abs(v));
  }
  for (const double v : values) {
    m.variance += (v - m.mean) * (v - m.mean) / static_cast<double>(values.size());
  }
  return m;
}

TEST(Initialize, UniformFanInHasTheVarianceOfItsFanIn) {
  const Moments m = moments(filled(uniform_fan_in(64, 1.0), "w", 1));
  EXPECT_NEAR(m.mean, 0.0, 0.004);
  EXPECT_NEAR(m.variance, 1.0 / 64.0, 0.0006);
  EXPECT_LE(m.largest, std::sqrt(3.0 / 64.0));
}

TEST(Initialize, NormalHasItsMeanAndDeviation) {
  const Moments m =
      moments(filled({.kind = tensor::InitKind::kNormal, .a = 2.0, .b = 0.5}, "w", 1));
  EXPECT_NEAR(m.mean, 2.0, 0.015);
  EXPECT_NEAR(m.variance, 0.25, 0.01);
}

TEST(Initialize, TruncatedNormalStaysWithinTwoDeviations) {
  const Moments m =
      moments(filled({.kind = tensor::InitKind::kTruncatedNormal, .a = 0.0, .b = 1.0}, "w", 1));
  EXPECT_LE(m.largest, 2.0);
  EXPECT_NEAR(m.variance, 0.7737, 0.03);  // of a standard normal cut at two deviations
}

TEST(Initialize, DependsOnSeedAndNameAlone) {
  const tensor::Init init = uniform_fan_in(8, 1.0);
  EXPECT_EQ(filled(init, "w", 1), filled(init, "w", 1, 2));
  EXPECT_NE(filled(init, "w", 1), filled(init, "w", 2));
  EXPECT_NE(filled(init, "w", 1), filled(init, "v", 1));
}

TEST(Initialize, Bf16ValuesAreTheNearestToThoseInF32) {
  constexpr int64_t kCount = (int64_t{1} << 20) + 1001;  // more than is made at a time
  const tensor::Init init = uniform_fan_in(8, 1.0);
  const tensor::Tensor exact = filled_tensor(init, "w", 1, tensor::DType::kF32, kCount, 2);
  const tensor::Tensor rounded = filled_tensor(init, "w", 1, tensor::DType::kBf16, kCount, 2);
  double largest = 0.0;
  for (int64_t i = 0; i < kCount; ++i) {
    const double w = exact.data<float>()[i];
    const auto bits = static_cast<uint32_t>(rounded.data<tensor::Bf16>()[i].bits) << 16U;
    largest = std::max(largest, std::abs(std::bit_cast<float>(bits) - w) / std::abs(w));
  }
  EXPECT_LE(largest, 0x1p-8);
  EXPECT_GT(largest, 0x1p-10);
}

}  // namespace
}  // namespace switchyard::layers
