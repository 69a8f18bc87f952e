#include "layers/moe/balance.h"

#include <numeric>

#include <gtest/gtest.h>

#include "layers/workspace.h"
#include "tests/support/error_matcher.h"
#include "tests/support/random_tensor.h"

namespace switchyard::layers {
namespace {

using tensor::Tensor;
using tests::relative_error;
using tests::to_double;
using Numbers = std::vector<double>;

constexpr BalanceConfig kTokens = {.by = BalanceBy::kTokens, .w_importance = 0.3, .w_load = 0.7};
constexpr BalanceConfig kCompute = {.by = BalanceBy::kCompute, .w_importance = 0.3, .w_load = 0.7};

class BalanceTest : public ::testing::Test {
 protected:
  static Routing routing(const std::vector<float>& importance, const std::vector<float>& load) {
    const auto E = static_cast<int64_t>(importance.size());
    return {.importance = Tensor::from<float>({E}, importance),
            .load = Tensor::from<float>({E}, load),
            .aux_loss = Tensor::from<float>({1}, {0.0F})};
  }
  double loss(const Balance& balance, const Routing& routing) {
    routing.aux_loss.data<float>()[0] = 0.0F;
    balance.add_loss(routing, pass_);
    return routing.aux_loss.data<float>()[0];
  }

  core::ThreadPool threads_{2};
  tensor::CpuDevice device_{threads_};
  tensor::CpuAllocator allocator_;
  Workspace workspace_{ops::backend_on(device_)};
  Pass& pass_ = workspace_.pass();
  const Tensor one_ = Tensor::from<float>({1}, {1.0F});
};

// CV^2([1, 2, 3, 4]) = 0.2 with the gradient [-0.16, -0.08, 0, 0.08]; CV^2 of a constant = 0.
TEST_F(BalanceTest, GivesTheClosedFormsOfTheCoefficientOfVariation) {
  const Balance balance({.by = BalanceBy::kTokens, .w_importance = 1.0, .w_load = 2.0},
                        {{.count = 4}});
  const Routing unequal = routing({1, 2, 3, 4}, {5, 5, 5, 5});
  EXPECT_NEAR(loss(balance, unequal), 0.2, 1e-7);
  const Balance::Gradient gradient = balance.gradient(unequal, one_, pass_);
  EXPECT_LT(relative_error(to_double(gradient.importance), {-0.16, -0.08, 0.0, 0.08}), 1e-6);
  EXPECT_EQ(to_double(gradient.load), (Numbers{0, 0, 0, 0}));
  EXPECT_NEAR(loss(balance, routing({5, 5, 5, 5}, {1, 2, 3, 4})), 0.4, 1e-7);
}

TEST_F(BalanceTest, AddsToTheLossOfTheGate) {
  const Balance balance(kTokens, {{.count = 2}});
  const Routing all_to_one = routing({4, 0}, {1, 1});
  all_to_one.aux_loss.data<float>()[0] = 10.0F;
  balance.add_loss(all_to_one, pass_);
  EXPECT_NEAR(all_to_one.aux_loss.data<float>()[0], 10.3, 1e-6);
}

TEST_F(BalanceTest, OfAnEmptyBatchIsZero) {
  const Balance balance(kTokens, {{.count = 3}});
  const Routing empty = routing({0, 0, 0}, {0, 0, 0});
  EXPECT_EQ(loss(balance, empty), 0.0);
  EXPECT_EQ(to_double(balance.gradient(empty, one_, pass_).load), (Numbers{0, 0, 0}));
}

// Two experts that cost 3 and one that costs 6: the wide one gets half of a narrow one's tokens.
TEST_F(BalanceTest, ByComputeIsAtRestWhereTheWorkIsEqual) {
  const Balance balance(kCompute,
                        {{.count = 2, .madds_per_row = 3}, {.count = 1, .madds_per_row = 6}});
  const Routing equal_work = routing({4, 4, 2}, {40, 40, 20});
  EXPECT_NEAR(loss(balance, equal_work), 0.0, 1e-12);
  const Routing equal_tokens = routing({3, 3, 3}, {30, 30, 30});
  EXPECT_NEAR(loss(balance, equal_tokens), 2.0 / 16.0, 1e-6);  // CV^2([1, 1, 2]) = 2/9 : 16/9
  const Balance::Gradient gradient = balance.gradient(equal_tokens, one_, pass_);
  EXPECT_LT(gradient.load.data<float>()[0], 0.0F) << "a narrow expert shall get more";
  EXPECT_GT(gradient.load.data<float>()[2], 0.0F) << "the wide one less";
}

TEST_F(BalanceTest, GradientsEqualFiniteDifferences) {
  for (const BalanceConfig& config : {kTokens, kCompute}) {
    const Balance balance(config, {{.count = 3, .madds_per_row = 8},
                                   {.count = 1, .madds_per_row = 2},
                                   {.count = 2, .madds_per_row = 5}});
    const Routing at = routing({4, 2, 3, 5, 1, 3}, {9, 2, 4, 7, 3, 5});
    const Tensor scale = Tensor::from<float>({1}, {2.0F});
    const Balance::Gradient gradient = balance.gradient(at, scale, pass_);
    const auto numeric = [&](const Tensor& v) {
      Numbers differences;
      for (int64_t i = 0; i < v.count(); ++i) {
        const float before = v.data<float>()[i];
        v.data<float>()[i] = before + 0.02F;
        const double above = loss(balance, at);
        v.data<float>()[i] = before - 0.02F;
        differences.push_back(2.0 * (above - loss(balance, at)) / 0.04);
        v.data<float>()[i] = before;
      }
      return differences;
    };
    EXPECT_LT(relative_error(to_double(gradient.importance), numeric(at.importance)), 1e-3);
    EXPECT_LT(relative_error(to_double(gradient.load), numeric(at.load)), 1e-3);
    const Numbers of_load = to_double(gradient.load);
    const Numbers load = to_double(at.load);
    EXPECT_NEAR(std::inner_product(load.begin(), load.end(), of_load.begin(), 0.0), 0.0, 1e-6)
        << "CV^2 does not depend on the scale";
  }
}

TEST_F(BalanceTest, ByComputeNeedsToKnowTheCosts) {
  EXPECT_ERROR(Balance(kCompute, {{.count = 2, .madds_per_row = 3}, {.count = 1}}),
               core::ErrorCode::kInvalidArgument, "those from 2 on do not: use by = \"tokens\"");
  EXPECT_ERROR(Balance({.by = BalanceBy::kTokens, .w_load = -1.0}, {{.count = 2}}),
               core::ErrorCode::kInvalidArgument, "must be 0 or more, got 0.1 and -1");
}

}  // namespace
}  // namespace switchyard::layers
