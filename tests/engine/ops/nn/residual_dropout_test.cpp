#include "ops/nn/residual_dropout.h"

#include <cmath>

#include <gtest/gtest.h>

#include "ops/backend.h"
#include "tests/support/error_matcher.h"
#include "tests/support/random_tensor.h"

namespace switchyard::ops {
namespace {

using tensor::Tensor;
using tests::random_tensor;
using tests::to_double;
using tests::zero_tensor;

class ResidualDropout : public ::testing::Test {
 protected:
  core::ThreadPool threads_{2};
  tensor::CpuDevice device_{threads_};
  Backend backend_ = backend_on(device_);

  static Tensor kept_like(const Tensor& v) {
    return Tensor::from<uint8_t>(v.shape(), std::vector<uint8_t>(v.count(), 0));
  }
};

TEST_F(ResidualDropout, ZeroesWithItsProbabilityAndKeepsTheMean) {
  const nn::DropoutSpec spec = {
      .drop_probability = 0.3, .key = core::rng_key(1, "layer", 2), .position = {.step = 5}};
  const Tensor v = Tensor::from<float>({400, 250}, std::vector<float>(100000, 1.0F));
  const Tensor out = zero_tensor(v.shape());
  nn::residual_dropout(backend_, spec, Tensor(), v, out, kept_like(v));
  double sum = 0.0;
  int64_t dropped = 0;
  for (const float value : out.to_vector<float>()) {
    EXPECT_TRUE(value == 0.0F || std::abs(value - 1.0F / 0.7F) < 1e-4);
    sum += value;
    dropped += value == 0.0F ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(dropped) / 1e5, 0.3, 0.006);  // four standard deviations
  EXPECT_NEAR(sum / 1e5, 1.0, 0.009);
}

// Two halves of a batch, each with its place in it, drop the same elements as the whole batch.
TEST_F(ResidualDropout, DependsOnTheGlobalElementAlone) {
  nn::DropoutSpec spec = {.drop_probability = 0.5, .key = core::rng_key(1, "layer", 2)};
  const Tensor v = random_tensor({90, 77}, 1);
  const Tensor whole = kept_like(v);
  nn::residual_dropout(backend_, spec, Tensor(), v, zero_tensor(v.shape()), whole);
  const Tensor halves = kept_like(v);
  for (const auto& [begin, end] : {std::pair<int64_t, int64_t>{0, 41}, {41, 90}}) {
    spec.token_base = begin;
    const Tensor part = v.slice(0, begin, end);
    nn::residual_dropout(backend_, spec, Tensor(), part, zero_tensor(part.shape()),
                         halves.slice(0, begin, end));
  }
  EXPECT_EQ(whole.to_vector<uint8_t>(), halves.to_vector<uint8_t>());
}

TEST_F(ResidualDropout, BitsAreThoseOfPhilox) {
  const nn::DropoutSpec spec = {.drop_probability = 0.25,
                                .key = core::rng_key(9, "layer", 2),
                                .position = {.step = 3, .microbatch = 1},
                                .token_base = 2};
  const Tensor v = random_tensor({7, 13}, 1);
  const Tensor kept = kept_like(v);
  nn::residual_dropout(backend_, spec, Tensor(), v, zero_tensor(v.shape()), kept);
  for (uint64_t i = 0; i < 7 * 13; ++i) {
    const uint64_t element = 2 * 13 + i;
    const auto words = core::philox4x32_10(core::rng_counter(spec.position, element / 8), spec.key);
    const uint32_t word = words[element % 8 / 2];
    const uint32_t bits = element % 2 == 0 ? word & 0xFFFFU : word >> 16U;
    EXPECT_EQ(kept.data<uint8_t>()[i], bits >= 16384 ? 1 : 0);
  }
}

TEST_F(ResidualDropout, AddsTheResidualAfterSigmoidAndDropoutAndGradientsMatch) {
  const nn::DropoutSpec spec = {.drop_probability = 0.5,
                                .activation = nn::OutputActivation::kSigmoid,
                                .key = core::rng_key(1, "layer", 2)};
  const Tensor v = random_tensor({6, 5}, 1);
  const std::vector<double> before = to_double(v);
  const Tensor residual = random_tensor({6, 5}, 2);
  const Tensor grad_out = random_tensor({6, 5}, 3);
  const Tensor out = zero_tensor(v.shape());
  const Tensor kept = kept_like(v);
  const Tensor grad_v = zero_tensor(v.shape());
  nn::residual_dropout(backend_, spec, residual, v, out, kept);
  nn::residual_dropout_grad(backend_, spec, grad_out, v, kept, grad_v);
  for (int64_t i = 0; i < v.count(); ++i) {
    const double s = 1.0 / (1.0 + std::exp(-before[static_cast<size_t>(i)]));
    const double keep = kept.data<uint8_t>()[i] * 2.0;
    EXPECT_NEAR(out.data<float>()[i], residual.data<float>()[i] + keep * s, 1e-6);
    EXPECT_NEAR(grad_v.data<float>()[i], grad_out.data<float>()[i] * keep * s * (1.0 - s), 1e-6);
  }
}

TEST_F(ResidualDropout, RejectsAProbabilityOfOne) {
  const Tensor v = random_tensor({2, 2}, 1);
  EXPECT_ERROR(
      nn::residual_dropout(backend_, {.drop_probability = 1.0}, Tensor(), v, v, kept_like(v)),
      core::ErrorCode::kInvalidArgument, "drop_probability must be in [0, 1), got 1");
}

}  // namespace
}  // namespace switchyard::ops
