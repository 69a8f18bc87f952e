#include <gtest/gtest.h>

#include "ops/moe/combine.h"
#include "ops/moe/dispatch.h"
#include "ops/moe/plan.h"
#include "tests/support/error_matcher.h"
#include "tests/support/random_tensor.h"

namespace switchyard::ops::moe {
namespace {

using tensor::Tensor;
using tests::random_tensor;
using tests::zero_tensor;

class Routing : public ::testing::Test {
 protected:
  core::ThreadPool threads_{2};
  tensor::CpuDevice device_{threads_};
  Backend backend_ = backend_on(device_);
  tensor::CpuAllocator allocator_;
  tensor::Arena arena_{allocator_};

  // Three tokens, two choices; expert 1 gets no token, token 2 has an empty slot.
  Tensor expert_index_ = Tensor::from<int32_t>({3, 2}, {2, 0, 0, 2, 2, -1});
  RoutingPlan plan_ = plan(backend_, expert_index_, 3, arena_);
};

TEST_F(Routing, SortsPairsByExpertAndKeepsTheOrderOfTokens) {
  EXPECT_EQ(plan_.offsets.to_vector<int32_t>(), (std::vector<int32_t>{0, 2, 2, 5}));
  EXPECT_EQ(plan_.pair_row.to_vector<int32_t>(), (std::vector<int32_t>{2, 0, 1, 3, 4, -1}));
  const std::vector<int32_t> row_pair = plan_.row_pair.to_vector<int32_t>();
  EXPECT_EQ(std::vector<int32_t>(row_pair.begin(), row_pair.begin() + 5),
            (std::vector<int32_t>{1, 2, 0, 3, 4}));
}

TEST_F(Routing, RejectsAnExpertThatIsNotThere) {
  EXPECT_ERROR((void)plan(backend_, expert_index_, 2, arena_), core::ErrorCode::kInvalidArgument,
               "[-1, 2), token 0 has 2");
}

TEST_F(Routing, PlansABatchWithoutTokens) {
  const RoutingPlan empty = plan(backend_, Tensor::from<int32_t>({0, 2}, {}), 3, arena_);
  EXPECT_EQ(empty.offsets.to_vector<int32_t>(), (std::vector<int32_t>{0, 0, 0, 0}));
}

TEST_F(Routing, DispatchCopiesEachTokenToItsExperts) {
  const Tensor x = Tensor::from<float>({3, 2}, {1, 2, 3, 4, 5, 6});
  const Tensor rows = zero_tensor({6, 2});
  dispatch(backend_, x, plan_, rows);
  EXPECT_EQ(rows.to_vector<float>(), (std::vector<float>{1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 0, 0}));
}

TEST_F(Routing, CombineWeighsAndSumsTheExpertsOfAToken) {
  const Tensor rows = Tensor::from<float>({6, 1}, {10, 20, 30, 40, 50, 99});
  const Tensor weight = Tensor::from<float>({3, 2}, {0.5F, 0.25F, 1.0F, 2.0F, 3.0F, 7.0F});
  const Tensor y = zero_tensor({3, 1});
  combine(backend_, rows, weight, plan_, y);
  EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{17.5F, 100.0F, 150.0F}));
}

// <combine(rows, w), g> is linear in rows and in w, so its gradients follow from linearity:
// <combine(r, w), g> = <r, grad_rows> = <w, grad_w>, and dispatch is the transpose of its gradient.
TEST_F(Routing, GradientsAreTheTransposes) {
  constexpr int64_t kT = 37;
  constexpr int64_t kK = 3;
  constexpr int64_t kD = 19;
  std::vector<int32_t> chosen;
  for (int32_t t = 0; t < kT; ++t) {
    for (int32_t k = 0; k < kK; ++k) {
      chosen.push_back((t * 5 + k * 2) % 7);
    }
  }
  const RoutingPlan big = plan(backend_, Tensor::from<int32_t>({kT, kK}, chosen), 7, arena_);
  const Tensor rows = random_tensor({kT * kK, kD}, 1);
  const Tensor weight = random_tensor({kT, kK}, 2);
  const Tensor grad_y = random_tensor({kT, kD}, 3);
  const Tensor y = zero_tensor({kT, kD});
  const Tensor grad_rows = zero_tensor({kT * kK, kD});
  const Tensor grad_weight = zero_tensor({kT, kK});
  combine(backend_, rows, weight, big, y);
  combine_grad(backend_, grad_y, rows, weight, big, grad_rows, grad_weight);
  const auto dot = [](const Tensor& a, const Tensor& b) {
    double sum = 0.0;
    for (int64_t i = 0; i < a.count(); ++i) {
      sum += static_cast<double>(a.data<float>()[i]) * b.data<float>()[i];
    }
    return sum;
  };
  EXPECT_NEAR(dot(rows, grad_rows), dot(y, grad_y), 1e-4);
  EXPECT_NEAR(dot(weight, grad_weight), dot(y, grad_y), 1e-4);

  const Tensor x = random_tensor({kT, kD}, 4);
  const Tensor dispatched = zero_tensor({kT * kK, kD});
  const Tensor grad_x = zero_tensor({kT, kD});
  dispatch(backend_, x, big, dispatched);
  dispatch_grad(backend_, rows, big, grad_x);
  EXPECT_NEAR(dot(dispatched, rows), dot(x, grad_x), 1e-4);
}

// One slot per expert, most of them empty: five rows instead of 3 * 4, in the order of experts.
TEST_F(Routing, NeedsNoMoreRowsThanThereAreFilledSlots) {
  constexpr int32_t kNone = -1;
  const RoutingPlan sparse = plan(backend_,
                                  Tensor::from<int32_t>({3, 4}, {0, kNone, 2, kNone, kNone, kNone,
                                                                 kNone, kNone, 0, 1, kNone, 3}),
                                  4, arena_);
  EXPECT_EQ(sparse.offsets.to_vector<int32_t>(), (std::vector<int32_t>{0, 2, 3, 4, 5}));
  const Tensor x = Tensor::from<float>({3, 1}, {1, 2, 3});
  const Tensor rows = zero_tensor({5, 1});
  dispatch(backend_, x, sparse, rows);
  EXPECT_EQ(rows.to_vector<float>(), (std::vector<float>{1, 3, 3, 1, 3}));

  const Tensor outputs = Tensor::from<float>({5, 1}, {10, 20, 30, 40, 50});
  const Tensor weight = Tensor::from<float>({3, 4}, {.5F, 9, 2, 9, 9, 9, 9, 9, 1, 2, 9, 4});
  const Tensor y = Tensor::from<float>({3, 1}, {7, 7, 7});
  combine(backend_, outputs, weight, sparse, y);
  EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{85, 0, 280}));

  const Tensor grad_rows = zero_tensor({5, 1});
  const Tensor grad_weight = Tensor::from<float>({3, 4}, std::vector<float>(12, 7.0F));
  combine_grad(backend_, x, outputs, weight, sparse, grad_rows, grad_weight);
  EXPECT_EQ(grad_rows.to_vector<float>(), (std::vector<float>{.5F, 3, 6, 2, 12}));
  EXPECT_EQ(grad_weight.to_vector<float>(),
            (std::vector<float>{10, 0, 40, 0, 0, 0, 0, 0, 60, 90, 0, 150}));
  const Tensor grad_x = Tensor::from<float>({3, 1}, {100, 100, 100});
  dispatch_grad(backend_, grad_rows, sparse, grad_x);
  EXPECT_EQ(grad_x.to_vector<float>(), (std::vector<float>{102.5F, 100, 121}));
}

TEST_F(Routing, RejectsRowsOfAnotherBatch) {
  EXPECT_ERROR(dispatch(backend_, zero_tensor({2, 2}), plan_, zero_tensor({6, 2})),
               core::ErrorCode::kInvalidArgument, "3 tokens and up to 6 rows, got 2 and 6");
  EXPECT_ERROR(dispatch(backend_, zero_tensor({3, 2}), plan_, zero_tensor({4, 2})),
               core::ErrorCode::kInvalidArgument, "3 tokens and up to 6 rows, got 3 and 4");
  EXPECT_ERROR(
      combine(backend_, zero_tensor({4, 2}), zero_tensor({3, 2}), plan_, zero_tensor({3, 2})),
      core::ErrorCode::kInvalidArgument, "3 tokens and up to 6 rows, got tokens");
}

}  // namespace
}  // namespace switchyard::ops::moe
