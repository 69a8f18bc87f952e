#include "ops/moe/expert_choice.h"

#include <gtest/gtest.h>

#include "tests/support/error_matcher.h"

namespace switchyard::ops::moe {
namespace {

using tensor::Tensor;
using Ints = std::vector<int32_t>;

struct Slots {
  core::ThreadPool threads{1};
  tensor::CpuDevice device{threads};
  Tensor experts;
  Tensor slot;

  Slots(int64_t tokens, int64_t k, int64_t num_experts, const Ints& chosen) {
    const auto columns = static_cast<int64_t>(chosen.size()) / num_experts;
    const Tensor index = Tensor::from<int32_t>({num_experts, columns}, chosen);
    experts = Tensor::zeros(tensor::DType::kI32, {tokens, k}, device.memory());
    slot = Tensor::zeros(tensor::DType::kI32, {num_experts, columns}, device.memory());
    tokens_of_choice(backend_on(device), index, experts, slot);
  }
};

TEST(ExpertChoice, GivesEachTokenItsExpertsInOrder) {
  // Expert 0 takes the tokens 2 and 0, expert 1 takes 2 alone, expert 2 takes 3 and 2.
  const Slots s(4, 3, 3, {2, 0, 2, -1, 3, 2});
  EXPECT_EQ(s.experts.to_vector<int32_t>(), (Ints{0, -1, -1, -1, -1, -1, 0, 1, 2, 2, -1, -1}));
  EXPECT_EQ(s.slot.to_vector<int32_t>(), (Ints{6, 0, 7, -1, 9, 8}));
}

TEST(ExpertChoice, TakesABatchWithoutTokens) {
  const Slots s(0, 2, 2, {});
  EXPECT_EQ(s.experts.count(), 0);
}

TEST(ExpertChoice, RefusesWhatDispatchCannotTrust) {
  constexpr auto kInvalid = core::ErrorCode::kInvalidArgument;
  EXPECT_ERROR(Slots(2, 2, 1, {2}), kInvalid, "expert 0 chose token 2, it must be 0 ... 1");
  EXPECT_ERROR(Slots(2, 2, 1, {-2}), kInvalid, "expert 0 chose token -2");
  EXPECT_ERROR(Slots(2, 2, 2, {1, 0, 1, 1}), kInvalid, "expert 1 chose token 1 twice");
  EXPECT_ERROR(Slots(2, 1, 2, {1, 1}), kInvalid, "more than 1 experts chose token 1");
}

}  // namespace
}  // namespace switchyard::ops::moe
