// embedding, residual_dropout, add_column_sums, softmax_cross_entropy.
#include <gtest/gtest.h>

#include "ops/loss/sampled_softmax_cross_entropy.h"
#include "ops/loss/softmax_cross_entropy.h"
#include "ops/nn/column_sums.h"
#include "ops/nn/copy_column.h"
#include "ops/nn/embedding.h"
#include "ops/nn/residual_dropout.h"
#include "tests/support/error_matcher.h"
#include "tests/support/random_tensor.h"

namespace switchyard::ops {
namespace {

using tensor::Tensor;
using tests::random_tensor;
using tests::relative_error;
using tests::to_double;
using tests::zero_tensor;

class NnOps : public ::testing::Test {
 protected:
  core::ThreadPool threads_{2};
  tensor::CpuDevice device_{threads_};
  Backend backend_ = backend_on(device_);

  static Tensor kept_like(const Tensor& v) {
    return Tensor::from<uint8_t>(v.shape(), std::vector<uint8_t>(v.count(), 0));
  }
};

TEST_F(NnOps, EmbeddingTakesTheRowsOfTheWords) {
  const Tensor table = Tensor::from<float>({3, 2}, {1, 2, 3, 4, 5, 6});
  const Tensor out = zero_tensor({3, 2});
  nn::embedding(backend_, table, Tensor::from<int32_t>({3}, {2, 0, 2}), out);
  EXPECT_EQ(out.to_vector<float>(), (std::vector<float>{5, 6, 1, 2, 5, 6}));
}

TEST_F(NnOps, EmbeddingGradientAddsUpTheOccurrencesOfAWord) {
  const Tensor grad_table = Tensor::from<float>({3, 2}, {1, 1, 1, 1, 1, 1});
  nn::embedding_grad(backend_, Tensor::from<float>({3, 2}, {1, 2, 3, 4, 5, 6}),
                     Tensor::from<int32_t>({3}, {2, 0, 2}), grad_table);
  EXPECT_EQ(grad_table.to_vector<float>(), (std::vector<float>{4, 5, 1, 1, 7, 9}));
}

TEST_F(NnOps, EmbeddingRejectsAWordOutsideTheTable) {
  EXPECT_ERROR(nn::embedding(backend_, zero_tensor({3, 2}), Tensor::from<int32_t>({1}, {3}),
                             zero_tensor({1, 2})),
               core::ErrorCode::kInvalidArgument, "[0, 3), position 0 has 3");
}

TEST_F(NnOps, ColumnSumsAreAddedInPlace) {
  const Tensor sums = Tensor::from<float>({2}, {10, 20});
  nn::add_column_sums(backend_, Tensor::from<float>({3, 2}, {1, 2, 3, 4, 5, 6}), sums);
  EXPECT_EQ(sums.to_vector<float>(), (std::vector<float>{19, 32}));
}

TEST_F(NnOps, DropoutZeroesWithItsProbabilityAndKeepsTheMean) {
  const nn::DropoutSpec spec = {
      .drop_probability = 0.3, .key = core::rng_key(1, "layer", 2), .position = {.step = 5}};
  const Tensor v = Tensor::from<float>({400, 250}, std::vector<float>(100000, 1.0F));
  const Tensor out = zero_tensor(v.shape());
  nn::residual_dropout(backend_, spec, v, Tensor(), out, kept_like(v));
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

// Two halves of a batch, each with its place in it, drop what the whole batch drops.
TEST_F(NnOps, DropoutDependsOnTheGlobalElementAlone) {
  nn::DropoutSpec spec = {.drop_probability = 0.5, .key = core::rng_key(1, "layer", 2)};
  const Tensor v = random_tensor({90, 77}, 1);
  const Tensor whole = kept_like(v);
  nn::residual_dropout(backend_, spec, v, Tensor(), zero_tensor(v.shape()), whole);
  const Tensor halves = kept_like(v);
  for (const auto& [begin, end] : {std::pair<int64_t, int64_t>{0, 41}, {41, 90}}) {
    spec.token_base = begin;
    const Tensor part = v.slice(0, begin, end);
    nn::residual_dropout(backend_, spec, part, Tensor(), zero_tensor(part.shape()),
                         halves.slice(0, begin, end));
  }
  EXPECT_EQ(whole.to_vector<uint8_t>(), halves.to_vector<uint8_t>());
}

TEST_F(NnOps, DropoutBitsAreThoseOfPhilox) {
  const nn::DropoutSpec spec = {.drop_probability = 0.25,
                                .key = core::rng_key(9, "layer", 2),
                                .position = {.step = 3, .microbatch = 1},
                                .token_base = 2};
  const Tensor v = random_tensor({7, 13}, 1);
  const Tensor kept = kept_like(v);
  nn::residual_dropout(backend_, spec, v, Tensor(), zero_tensor(v.shape()), kept);
  for (uint64_t i = 0; i < 7 * 13; ++i) {
    const uint64_t element = 2 * 13 + i;
    const auto words = core::philox4x32_10(core::rng_counter(spec.position, element / 8), spec.key);
    const uint32_t word = words[element % 8 / 2];
    const uint32_t bits = element % 2 == 0 ? word & 0xFFFFU : word >> 16U;
    EXPECT_EQ(kept.data<uint8_t>()[i], bits >= 16384 ? 1 : 0);
  }
}

TEST_F(NnOps, ResidualIsAddedAfterSigmoidAndDropoutAndGradientsMatch) {
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
  nn::residual_dropout(backend_, spec, v, residual, out, kept);
  nn::residual_dropout_grad(backend_, spec, grad_out, v, kept, grad_v);
  for (int64_t i = 0; i < v.count(); ++i) {
    const double s = 1.0 / (1.0 + std::exp(-before[static_cast<size_t>(i)]));
    const double keep = kept.data<uint8_t>()[i] * 2.0;
    EXPECT_NEAR(out.data<float>()[i], residual.data<float>()[i] + keep * s, 1e-6);
    EXPECT_NEAR(grad_v.data<float>()[i], grad_out.data<float>()[i] * keep * s * (1.0 - s), 1e-6);
  }
}

TEST_F(NnOps, DropoutRejectsAProbabilityOfOne) {
  const Tensor v = random_tensor({2, 2}, 1);
  EXPECT_ERROR(
      nn::residual_dropout(backend_, {.drop_probability = 1.0}, v, Tensor(), v, kept_like(v)),
      core::ErrorCode::kInvalidArgument, "drop_probability must be in [0, 1), got 1");
}

// A model that knows nothing: perplexity equals the vocabulary (V = 32,000: 10.373491 nats).
TEST_F(NnOps, UniformLogitsGiveTheLogarithmOfTheVocabulary) {
  const Tensor nll = zero_tensor({2});
  loss::softmax_cross_entropy(backend_, zero_tensor({2, 32000}), zero_tensor({32000}),
                              Tensor::from<int32_t>({2}, {31999, -1}), nll);
  EXPECT_NEAR(nll.to_vector<float>()[0], 10.373491, 1e-5);
  EXPECT_EQ(nll.to_vector<float>()[1], 0.0F);
}

TEST_F(NnOps, CrossEntropyAndItsGradientEqualThePlainFormula) {
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
  loss::softmax_cross_entropy_with_grad(backend_, logits, bias,
                                        Tensor::from<int32_t>({kT}, targets), 0.25, nll);
  EXPECT_LT(relative_error(to_double(nll), expected_nll), 1e-6);
  EXPECT_LT(relative_error(to_double(logits), expected_grad), 1e-6);
}

TEST_F(NnOps, CrossEntropyRejectsATargetOutsideTheVocabulary) {
  EXPECT_ERROR(loss::softmax_cross_entropy(backend_, zero_tensor({1, 4}), zero_tensor({4}),
                                           Tensor::from<int32_t>({1}, {4}), zero_tensor({1})),
               core::ErrorCode::kInvalidArgument, "[-1, 4), position 0 has 4");
}

TEST_F(NnOps, SampledCrossEntropyCountsASampledTargetOnce) {
  // Logits 1 and 2 with offsets, target 3; the second token's target is the second sample, the
  // third token does not count.
  const Tensor logits = Tensor::from<float>({3, 2}, {1, 2, 1, 2, 1, 2});
  const Tensor offsets = Tensor::from<float>({2}, {0.5F, -0.5F});
  const Tensor target = Tensor::from<float>({3}, {3, 3, 3});
  const Tensor nll = zero_tensor({3});
  loss::sampled_softmax_cross_entropy_with_grad(
      backend_, logits, offsets, target,
      Tensor::from<int32_t>({3}, {loss::kTargetNotSampled, 1, loss::kTokenDoesNotCount}), 2.0, nll);
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

TEST_F(NnOps, CopyColumnTakesAnyType) {
  const Tensor ids = Tensor::from<int32_t>({2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor column = Tensor::from<int32_t>({2}, {0, 0});
  nn::copy_column(backend_, ids, 1, column);
  EXPECT_EQ(column.to_vector<int32_t>(), (std::vector<int32_t>{2, 5}));
  const Tensor mask = Tensor::from<uint8_t>({3, 2}, {1, 0, 0, 1, 1, 1});
  const Tensor last = Tensor::from<uint8_t>({3}, {9, 9, 9});
  nn::copy_column(backend_, mask, 1, last);
  EXPECT_EQ(last.to_vector<uint8_t>(), (std::vector<uint8_t>{0, 1, 1}));
  EXPECT_ERROR(nn::copy_column(backend_, ids, 3, column), core::ErrorCode::kInvalidArgument,
               "there is no column 3 in [2, 3]");
  EXPECT_ERROR(nn::copy_column(backend_, mask, 0, column), core::ErrorCode::kInvalidArgument,
               "must be contiguous u8 [3], got i32 [2]");
}

TEST_F(NnOps, SampledCrossEntropyRejectsWhatDoesNotFit) {
  const auto run = [&](const Tensor& hits) {
    loss::sampled_softmax_cross_entropy_with_grad(backend_, zero_tensor({1, 4}), zero_tensor({4}),
                                                  zero_tensor({1}), hits, 1.0, zero_tensor({1}));
  };
  EXPECT_ERROR(run(Tensor::from<int32_t>({1}, {4})), core::ErrorCode::kInvalidArgument,
               "hits must be in [-2, 4), position 0 has 4");
  EXPECT_ERROR(run(Tensor::from<int32_t>({1}, {-3})), core::ErrorCode::kInvalidArgument, "has -3");
  EXPECT_ERROR(run(Tensor::from<int32_t>({2}, {0, 0})), core::ErrorCode::kInvalidArgument,
               "needs logits [T, K]");
}

}  // namespace
}  // namespace switchyard::ops
