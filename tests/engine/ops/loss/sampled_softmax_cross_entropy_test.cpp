#include "ops/loss/sampled_softmax_cross_entropy.h"

#include <cmath>

#include <gtest/gtest.h>

#include "ops/backend.h"
#include "tests/support/error_matcher.h"
#include "tests/support/random_tensor.h"

namespace switchyard::ops {
namespace {

using tensor::Tensor;
using tests::relative_error;
using tests::to_double;
using tests::zero_tensor;

class SampledSoftmaxCrossEntropy : public ::testing::Test {
 protected:
  core::ThreadPool threads_{2};
  tensor::CpuDevice device_{threads_};
  Backend backend_ = backend_on(device_);
};

TEST_F(SampledSoftmaxCrossEntropy, CountsASampledTargetOnce) {
  // Logits 1 and 2 with offsets, target 3; the second token's target is the second sample, the
  // third token does not count.
  const Tensor logits = Tensor::from<float>({3, 2}, {1, 2, 1, 2, 1, 2});
  const Tensor offsets = Tensor::from<float>({2}, {0.5F, -0.5F});
  const Tensor target = Tensor::from<float>({3}, {3, 3, 3});
  const Tensor nll = zero_tensor({3});
  loss::sampled_softmax_cross_entropy_with_grad(
      backend_, offsets,
      Tensor::from<int32_t>({3}, {loss::kTargetNotSampled, 1, loss::kTokenDoesNotCount}), 2.0,
      logits, target, nll);
  const double all = std::exp(1.5) + std::exp(1.5) + std::exp(3.0);
  const double without = std::exp(1.5) + std::exp(3.0);
  EXPECT_LT(relative_error(to_double(nll), {std::log(all) - 3, std::log(without) - 3, 0}), 1e-6);
  EXPECT_LT(relative_error(to_double(logits), {2 * std::exp(1.5) / all, 2 * std::exp(1.5) / all,
                                               2 * std::exp(1.5) / without, 0, 0, 0}),
            1e-6);
  EXPECT_LT(relative_error(to_double(target),
                           {2 * std::exp(3.0) / all - 2, 2 * std::exp(3.0) / without - 2, 0}),
            1e-6);
}

TEST_F(SampledSoftmaxCrossEntropy, RejectsWhatDoesNotFit) {
  const auto run = [&](const Tensor& hits) {
    loss::sampled_softmax_cross_entropy_with_grad(backend_, zero_tensor({4}), hits, 1.0,
                                                  zero_tensor({1, 4}), zero_tensor({1}),
                                                  zero_tensor({1}));
  };
  EXPECT_ERROR(run(Tensor::from<int32_t>({1}, {4})), core::ErrorCode::kInvalidArgument,
               "hits must be in [-2, 4), position 0 has 4");
  EXPECT_ERROR(run(Tensor::from<int32_t>({1}, {-3})), core::ErrorCode::kInvalidArgument, "has -3");
  EXPECT_ERROR(run(Tensor::from<int32_t>({2}, {0, 0})), core::ErrorCode::kInvalidArgument,
               "needs logits [T, K]");
}

}  // namespace
}  // namespace switchyard::ops
