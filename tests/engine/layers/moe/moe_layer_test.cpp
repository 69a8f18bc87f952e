#include "layers/moe/moe_layer.h"

#include <gtest/gtest.h>

#include "layers/initialize.h"
#include "layers/workspace.h"
#include "tests/support/error_matcher.h"
#include "tests/support/fixed_components.h"

namespace switchyard::layers {
namespace {

using tensor::Tensor;
using tests::relative_error;
using tests::to_double;

constexpr int64_t kT = 6;
constexpr int64_t kD = 3;
constexpr int64_t kE = 5;

class MoeLayerTest : public ::testing::Test {
 protected:
  MoeLayerTest() {
    factory_.top_k = 2;
    factory_.experts = {0, 4, 4, 1, 3, 0, 2, 4, 4, -1, 0, 3};  // two choices for six tokens
    factory_.weights = {.5F, .5F, .1F, .9F, 1.0F, 2.0F, .3F, .7F, 1.0F, .4F, .6F, .4F};
  }

  // Groups of those sizes, with the same weights for the same global expert in every cut.
  std::unique_ptr<MoeLayer> make(const std::vector<int64_t>& counts) {
    parameters_ = std::make_unique<tensor::ParameterSet>();
    MoeConfig config = {.gate = {.plugin = "fixed"}};
    for (const int64_t count : counts) {
      config.experts.push_back(
          {.component = {.plugin = "linear", .where = "here"}, .count = count});
    }
    auto layer = std::make_unique<MoeLayer>("moe", 0, kD, config, factory_, *parameters_);
    parameters_->allocate(allocator_);
    int64_t next = 0;
    for (tensor::Parameter& parameter : parameters_->all()) {
      for (int64_t i = 0; i < parameter.value.count(); ++i) {
        parameter.value.data<float>()[i] = std::sin(static_cast<float>(++next));
      }
    }
    return layer;
  }

  Tensor forward(MoeLayer& layer) {
    workspace_.begin(Mode::kTrain, 0, 0);
    return layer.forward(x_, {.num_streams = 1, .num_steps = kT}, pass_);
  }

  core::ThreadPool threads_{2};
  tensor::CpuDevice device_{threads_};
  tensor::CpuAllocator allocator_;
  Workspace workspace_{ops::backend_on(device_)};
  Pass& pass_ = workspace_.pass();
  tests::FixedFactory factory_;
  std::unique_ptr<tensor::ParameterSet> parameters_;
  Tensor x_ = tests::random_tensor({kT, kD}, 1);
};

// The same choices with one slot per expert, most of them empty.
TEST_F(MoeLayerTest, EmptySlotsChangeNothingAndCostNoRows) {
  const auto run = [&] {
    const auto layer = make({3, 2});
    const Tensor y = forward(*layer);
    const Tensor grad_x = tests::zero_tensor({kT, kD});
    layer->backward(x_, {.num_streams = 1, .num_steps = kT}, grad_x, pass_);
    std::vector<std::vector<float>> results = {y.to_vector<float>(), grad_x.to_vector<float>()};
    for (const tensor::Parameter& parameter : parameters_->all()) {
      results.push_back(parameter.grad.to_vector<float>());
    }
    return results;
  };
  const std::vector<int32_t> experts = factory_.experts;
  const std::vector<float> weights = factory_.weights;
  const auto compact = run();
  factory_.top_k = kE;
  factory_.experts.assign(kT * kE, -1);
  factory_.weights.assign(kT * kE, 5.0F);
  for (size_t pair = 0; pair < experts.size(); ++pair) {
    // The order of the slots is that of the sums: the first choice stays before the second.
    const size_t slot = pair / 2 * kE + (pair % 2 == 0 ? 1 : 4);
    factory_.experts[slot] = experts[pair];
    factory_.weights[slot] = weights[pair];
  }
  EXPECT_EQ(run(), compact);
  const auto layer = make({kE});
  (void)forward(*layer);
  EXPECT_EQ(pass_.traces.back().offsets.data<int32_t>()[kE], 11);
}

// y = sum over all experts of G(x)_i E_i(x), with zero gates for those not chosen.
TEST_F(MoeLayerTest, EqualsTheDenseLoopOverAllExperts) {
  const auto layer = make({kE});
  const Tensor y = forward(*layer);
  const auto* w = parameters_->find("moe.experts0.w")->value.data<float>();
  std::vector<double> expected(kT * kD, 0.0);
  for (int64_t t = 0; t < kT; ++t) {
    for (int64_t e = 0; e < kE; ++e) {
      double gate = 0.0;
      for (size_t k = 0; k < 2; ++k) {
        const auto pair = static_cast<size_t>(t) * 2 + k;
        gate += factory_.experts[pair] == e ? factory_.weights[pair] : 0.0;
      }
      for (int64_t o = 0; o < kD; ++o) {
        for (int64_t i = 0; i < kD; ++i) {
          expected[static_cast<size_t>(t * kD + o)] +=
              gate * x_.data<float>()[t * kD + i] * w[(e * kD + i) * kD + o];
        }
      }
    }
  }
  EXPECT_LT(relative_error(to_double(y), expected), 1e-6);
}

TEST_F(MoeLayerTest, GivesTheSameWhenItsExpertsAreCutIntoGroups) {
  const auto whole = make({kE});
  const std::vector<float> y = forward(*whole).to_vector<float>();
  const auto cut = make({2, 1, 2});
  EXPECT_EQ(forward(*cut).to_vector<float>(), y);
}

TEST_F(MoeLayerTest, GradientsEqualFiniteDifferences) {
  const auto layer = make({3, 2});
  const Tensor grad_y = tests::random_tensor({kT, kD}, 2);
  const auto loss_at = [&](Tensor& values, const std::vector<double>& moved) {
    std::copy(moved.begin(), moved.end(), values.data<float>());
    const Tensor y = forward(*layer);
    double loss = 0.0;
    for (int64_t i = 0; i < y.count(); ++i) {
      loss += static_cast<double>(y.data<float>()[i]) * grad_y.data<float>()[i];
    }
    return loss;
  };
  const Tensor grad_x = tests::zero_tensor({kT, kD});
  (void)forward(*layer);
  layer->backward(grad_y, {.num_streams = 1, .num_steps = kT}, grad_x, pass_);
  EXPECT_TRUE(pass_.kept.empty());
  // The layer is linear in x and in each weight: wide steps cost no accuracy, narrow ones would.
  const auto numeric = [&](Tensor& values) {
    std::vector<double> at = to_double(values);
    std::vector<double> gradient(at.size());
    for (size_t i = 0; i < at.size(); ++i) {
      const double before = at[i];
      at[i] = before + 1.0;
      const double above = loss_at(values, at);
      at[i] = before - 1.0;
      const double below = loss_at(values, at);
      at[i] = before;
      gradient[i] = (above - below) / 2.0;
    }
    std::copy(at.begin(), at.end(), values.data<float>());
    return gradient;
  };
  EXPECT_LT(relative_error(to_double(grad_x), numeric(x_)), 1e-5);
  for (tensor::Parameter& parameter : parameters_->all()) {
    EXPECT_LT(relative_error(to_double(parameter.grad), numeric(parameter.value)), 1e-5)
        << parameter.name;
  }
}

// dL/dG(x)_i = <dy, E_i(x)>, and nothing for an empty slot.
TEST_F(MoeLayerTest, TheGateGetsTheDotProductsOfTheOutputs) {
  const auto layer = make({kE});
  const Tensor grad_y = tests::random_tensor({kT, kD}, 2);
  (void)forward(*layer);
  layer->backward(grad_y, {.num_streams = 1, .num_steps = kT}, tests::zero_tensor({kT, kD}), pass_);
  const auto* w = parameters_->find("moe.experts0.w")->value.data<float>();
  for (size_t pair = 0; pair < factory_.experts.size(); ++pair) {
    const int64_t t = static_cast<int64_t>(pair) / 2;
    const int64_t e = factory_.experts[pair];
    double expected = 0.0;
    for (int64_t i = 0; i < kD && e >= 0; ++i) {
      for (int64_t o = 0; o < kD; ++o) {
        expected += static_cast<double>(grad_y.data<float>()[t * kD + o]) *
                    x_.data<float>()[t * kD + i] * w[(e * kD + i) * kD + o];
      }
    }
    EXPECT_NEAR(factory_.gate->grad_gate_weight()[pair], expected, 1e-6);
  }
}

TEST_F(MoeLayerTest, WorksOnABatchWithoutTokens) {
  factory_.experts.clear();
  factory_.weights.clear();
  const auto layer = make({kE});
  x_ = tests::zero_tensor({0, kD});
  const Tensor y = layer->forward(x_, {}, pass_);
  EXPECT_EQ(y.shape(), tensor::Shape({0, kD}));
  layer->backward(y, {}, tests::zero_tensor({0, kD}), pass_);
}

TEST_F(MoeLayerTest, OneExpertNeedsNoGate) {
  tensor::ParameterSet parameters;
  MoeLayer layer("moe", 0, kD, {.experts = {{.component = {.plugin = "linear"}, .count = 1}}},
                 factory_, parameters);
  parameters.allocate(allocator_);
  initialize(pass_.backend, parameters, 1);
  EXPECT_FALSE(layer.has_gate());
  const Tensor y = forward(layer);
  EXPECT_EQ(y.shape(), x_.shape());
  EXPECT_EQ(layer.madds_per_token(), kD * kD);
}

TEST_F(MoeLayerTest, SeveralExpertsNeedAGate) {
  tensor::ParameterSet parameters;
  const MoeConfig config = {.experts = {{.component = {.plugin = "linear"}, .count = 2}}};
  EXPECT_ERROR(MoeLayer("moe", 0, kD, config, factory_, parameters),
               core::ErrorCode::kInvalidArgument, "exactly one expert, got 2");
}

}  // namespace
}  // namespace switchyard::layers
