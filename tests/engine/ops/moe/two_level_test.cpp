#include "ops/moe/two_level.h"

#include <gtest/gtest.h>

#include "ops/moe/dispatch.h"
#include "tests/support/error_matcher.h"
#include "tests/support/random_tensor.h"

namespace switchyard::ops::moe {
namespace {

using tensor::DType;
using tensor::Tensor;
using tests::random_tensor;
using tests::relative_error;
using tests::to_double;

constexpr int64_t kT = 4;   // tokens
constexpr int64_t kK1 = 2;  // groups of a token
constexpr int64_t kK2 = 2;  // experts of a token in a group
constexpr int64_t kA = 3;   // groups; the last gets no token
constexpr int64_t kB = 3;   // experts of a group

/// Four tokens; token 2 has an empty slot on the first level, and one of its rows on the second.
class TwoLevel : public ::testing::Test {
 protected:
  TwoLevel() {
    levels_.plan = plan(backend_, group_index_, kA, arena_);
    levels_.group_weight = random_tensor({kT, kK1}, 1);
    levels_.group_load = Tensor::from<float>({kA}, {3.5F, 2.25F, 0.75F});
    // Rows of group 0 are tokens 0, 1, 3; those of group 1 are 0, 1, 2, 3.
    levels_.local_index =
        Tensor::from<int32_t>({kT * kK1, kK2}, {0, 2, 1, 0, 2, 1, 0, 1, 2, 0, 1, -1, 2, 1, 99, 99});
    levels_.local_weight = random_tensor({kT * kK1, kK2}, 2);
    levels_.local_load = random_tensor({kA, kB}, 3);
    flat_ = {.expert_index = arena_.take(DType::kI32, {kT, kK1 * kK2}),
             .gate_weight = arena_.take(DType::kF32, {kT, kK1 * kK2}),
             .importance = arena_.take(DType::kF32, {kA * kB}),
             .load = arena_.take(DType::kF32, {kA * kB})};
  }

  /// <c, everything that compose() gives>, the loss whose gradient c is.
  double loss(const FlatGrad& c) {
    compose(backend_, levels_, flat_);
    return dot(c.gate_weight, flat_.gate_weight) + dot(c.importance, flat_.importance) +
           dot(c.load, flat_.load);
  }
  static double dot(const Tensor& a, const Tensor& b) {
    double sum = 0.0;
    for (int64_t i = 0; i < a.count(); ++i) {
      sum += static_cast<double>(a.data<float>()[i]) * b.data<float>()[i];
    }
    return sum;
  }

  core::ThreadPool threads_{2};
  tensor::CpuDevice device_{threads_};
  Backend backend_ = backend_on(device_);
  tensor::CpuAllocator allocator_;
  tensor::Arena arena_{allocator_};
  Tensor group_index_ = Tensor::from<int32_t>({kT, kK1}, {0, 1, 1, 0, 1, -1, 0, 1});
  TwoLevelRouting levels_;
  FlatRouting flat_;
};

TEST_F(TwoLevel, NumbersTheExpertsThroughAndKeepsEmptySlots) {
  compose(backend_, levels_, flat_);
  EXPECT_EQ(flat_.expert_index.to_vector<int32_t>(),
            (std::vector<int32_t>{0, 2, 3, 4,     // token 0: row 0 of group 0, row 0 of group 1
                                  5, 3, 1, 0,     // token 1: group 1 first
                                  4, -1, -1, -1,  // token 2: one slot in group 1
                                  2, 1, 5, 4}));
  EXPECT_EQ(flat_.gate_weight.data<float>()[10], 0.0F);
}

TEST_F(TwoLevel, MultipliesWeightsAndSumsThemPerExpert) {
  compose(backend_, levels_, flat_);
  const auto weight = [&](int64_t pair, int64_t row, int64_t k) {
    return levels_.group_weight.data<float>()[pair] *
           levels_.local_weight.data<float>()[row * kK2 + k];
  };
  EXPECT_EQ(flat_.gate_weight.data<float>()[0], weight(0, 0, 0));
  EXPECT_EQ(flat_.gate_weight.data<float>()[4], weight(2, 4, 0));
  // Expert 4: token 0 (pair 1, row 3), token 2 (pair 4, row 5), token 3 (pair 7, row 6).
  EXPECT_NEAR(flat_.importance.data<float>()[4],
              weight(1, 3, 1) + weight(4, 5, 0) + weight(7, 6, 1), 1e-6);
  for (int64_t e = 6; e < 9; ++e) {
    EXPECT_EQ(flat_.importance.data<float>()[e], 0.0F);
  }
}

TEST_F(TwoLevel, SpreadsTheLoadOfAGroupAsItsRowsSpread) {
  compose(backend_, levels_, flat_);
  const auto* local = levels_.local_load.data<float>();
  EXPECT_NEAR(flat_.load.data<float>()[1], 3.5 / 3.0 * local[1], 1e-6);
  EXPECT_NEAR(flat_.load.data<float>()[5], 2.25 / 4.0 * local[5], 1e-6);
  EXPECT_EQ(flat_.load.data<float>()[7], 0.0F) << "a group without rows";
}

TEST_F(TwoLevel, GradientsEqualFiniteDifferences) {
  const FlatGrad c = {.gate_weight = random_tensor({kT, kK1 * kK2}, 4),
                      .importance = random_tensor({kA * kB}, 5),
                      .load = random_tensor({kA * kB}, 6)};
  const TwoLevelGrad grad = {.group_weight = random_tensor({kT, kK1}, 7),
                             .group_load = random_tensor({kA}, 8),
                             .local_weight = tests::zero_tensor({kT * kK1, kK2}),
                             .local_load = random_tensor({kA, kB}, 9)};
  compose_grad(backend_, levels_, c, grad);
  const auto numeric = [&](const Tensor& at) {
    std::vector<double> gradient;
    for (int64_t i = 0; i < at.count(); ++i) {
      // The loss is linear in each value: a wide step costs no accuracy.
      const float before = at.data<float>()[i];
      at.data<float>()[i] = before + 1.0F;
      const double above = loss(c);
      at.data<float>()[i] = before - 1.0F;
      gradient.push_back((above - loss(c)) / 2.0);
      at.data<float>()[i] = before;
    }
    return gradient;
  };
  EXPECT_LT(relative_error(to_double(grad.group_weight), numeric(levels_.group_weight)), 1e-6);
  EXPECT_LT(relative_error(to_double(grad.group_load), numeric(levels_.group_load)), 1e-6);
  EXPECT_LT(relative_error(to_double(grad.local_weight), numeric(levels_.local_weight)), 1e-6);
  EXPECT_LT(relative_error(to_double(grad.local_load), numeric(levels_.local_load)), 1e-6);
}

TEST_F(TwoLevel, TakesWhatIsNotGivenAsZero) {
  const TwoLevelGrad grad = {.group_weight = random_tensor({kT, kK1}, 7),
                             .group_load = random_tensor({kA}, 8),
                             .local_weight = tests::zero_tensor({kT * kK1, kK2}),
                             .local_load = random_tensor({kA, kB}, 9)};
  compose_grad(backend_, levels_, {}, grad);
  for (const Tensor& each : {grad.group_weight, grad.group_load, grad.local_load}) {
    EXPECT_EQ(dot(each, each), 0.0);
  }
}

TEST_F(TwoLevel, RejectsLoadsOfAnotherNumberOfGroups) {
  levels_.local_load = random_tensor({kA + 1, kB}, 3);
  EXPECT_ERROR(compose(backend_, levels_, flat_), core::ErrorCode::kInvalidArgument,
               "compose: plan.offsets must be contiguous i32");
}

TEST_F(TwoLevel, DispatchesWhateverFollowsAToken) {
  const Tensor ids = Tensor::from<int32_t>({kT}, {10, 11, 12, 13});
  const Tensor rows = Tensor::from<int32_t>({kT * kK1}, {0, 0, 0, 0, 0, 0, 0, -5});
  dispatch_labels(backend_, ids, levels_.plan, rows);
  EXPECT_EQ(rows.to_vector<int32_t>(), (std::vector<int32_t>{10, 11, 13, 10, 11, 12, 13, -5}));
  const Tensor mask = Tensor::from<uint8_t>({kT}, {1, 0, 1, 1});
  const Tensor of_rows = Tensor::from<uint8_t>({kT * kK1}, std::vector<uint8_t>(8, 9));
  dispatch_labels(backend_, mask, levels_.plan, of_rows);
  EXPECT_EQ(of_rows.to_vector<uint8_t>(), (std::vector<uint8_t>{1, 0, 1, 1, 0, 1, 1, 9}));
  EXPECT_ERROR(dispatch_labels(backend_, ids, levels_.plan, of_rows),
               core::ErrorCode::kInvalidArgument, "dispatch_labels: the plan is for 4 tokens of 2");
}

}  // namespace
}  // namespace switchyard::ops::moe
