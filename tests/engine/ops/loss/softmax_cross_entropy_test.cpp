#include "ops/loss/softmax_cross_entropy.h"

#include <cmath>

#include <gtest/gtest.h>

#include "ops/backend.h"
#include "tests/support/error_matcher.h"
#include "tests/support/random_tensor.h"

namespace switchyard::ops {
namespace {

using tensor::Tensor;
using tests::random_tensor;
using tests::relative_error;
using tests::to_double;
using tests::zero_tensor;

class SoftmaxCrossEntropy : public ::testing::Test {
 protected:
  core::ThreadPool threads_{2};
  tensor::CpuDevice device_{threads_};
  Backend backend_ = backend_on(device_);
};

// Uniform logits: perplexity equals the size of the vocabulary (V = 32,000: 10.373491 nats).
TEST_F(SoftmaxCrossEntropy, UniformLogitsGiveTheLogarithmOfTheVocabulary) {
  const Tensor nll = zero_tensor({2});
  loss::softmax_cross_entropy(backend_, zero_tensor({32000}),
                              Tensor::from<int32_t>({2}, {31999, -1}), zero_tensor({2, 32000}),
                              nll);
  EXPECT_NEAR(nll.to_vector<float>()[0], 10.373491, 1e-5);
  EXPECT_EQ(nll.to_vector<float>()[1], 0.0F);
}

TEST_F(SoftmaxCrossEntropy, EqualsThePlainFormulaWithItsGradient) {
  constexpr int64_t kT = 40;
  constexpr int64_t kV = 53;
  const Tensor logits = random_tensor({kT, kV}, 1, 5.0F);
  const Tensor bias = random_tensor({kV}, 2, 2.0F);
  std::vector<int32_t> targets;
  for (int32_t t = 0; t < kT; ++t) {
    targets.push_back(t % 11 == 3 ? -1 : (t * 7) % static_cast<int32_t>(kV));
  }
  std::vector<double> expected_nll(kT, 0.0);
  std::vector<double> expected_grad(kT * kV, 0.0);
  for (int64_t t = 0; t < kT; ++t) {
    double sum = 0.0;
    const int32_t target = targets[static_cast<size_t>(t)];
    const auto logit = [&](int64_t v) {
      return static_cast<double>(logits.data<float>()[t * kV + v]) + bias.data<float>()[v];
    };
    for (int64_t v = 0; v < kV; ++v) {
      sum += std::exp(logit(v));
    }
    for (int64_t v = 0; v < kV && target >= 0; ++v) {
      expected_grad[static_cast<size_t>(t * kV + v)] =
          0.25 * (std::exp(logit(v)) / sum - (v == target ? 1.0 : 0.0));
    }
    expected_nll[static_cast<size_t>(t)] = target < 0 ? 0.0 : std::log(sum) - logit(target);
  }
  const Tensor nll = zero_tensor({kT});
  loss::softmax_cross_entropy_with_grad(backend_, bias, Tensor::from<int32_t>({kT}, targets), 0.25,
                                        logits, nll);
  EXPECT_LT(relative_error(to_double(nll), expected_nll), 1e-6);
  EXPECT_LT(relative_error(to_double(logits), expected_grad), 1e-6);
}

TEST_F(SoftmaxCrossEntropy, RejectsATargetOutsideTheVocabulary) {
  EXPECT_ERROR(
      loss::softmax_cross_entropy(backend_, zero_tensor({4}), Tensor::from<int32_t>({1}, {4}),
                                  zero_tensor({1, 4}), zero_tensor({1})),
      core::ErrorCode::kInvalidArgument, "[-1, 4), position 0 has 4");
}

}  // namespace
}  // namespace switchyard::ops
