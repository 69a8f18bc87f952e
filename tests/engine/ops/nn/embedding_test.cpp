#include "ops/nn/embedding.h"

#include <gtest/gtest.h>

#include "ops/backend.h"
#include "tests/support/error_matcher.h"
#include "tests/support/random_tensor.h"

namespace switchyard::ops {
namespace {

using tensor::Tensor;
using tests::zero_tensor;

class Embedding : public ::testing::Test {
 protected:
  core::ThreadPool threads_{2};
  tensor::CpuDevice device_{threads_};
  Backend backend_ = backend_on(device_);
};

TEST_F(Embedding, TakesTheRowsOfTheWords) {
  const Tensor table = Tensor::from<float>({3, 2}, {1, 2, 3, 4, 5, 6});
  const Tensor out = zero_tensor({3, 2});
  nn::embedding(backend_, table, Tensor::from<int32_t>({3}, {2, 0, 2}), out);
  EXPECT_EQ(out.to_vector<float>(), (std::vector<float>{5, 6, 1, 2, 5, 6}));
}

TEST_F(Embedding, GradientAddsUpTheOccurrencesOfAWord) {
  const Tensor grad_table = Tensor::from<float>({3, 2}, {1, 1, 1, 1, 1, 1});
  nn::embedding_grad(backend_, Tensor::from<float>({3, 2}, {1, 2, 3, 4, 5, 6}),
                     Tensor::from<int32_t>({3}, {2, 0, 2}), grad_table);
  EXPECT_EQ(grad_table.to_vector<float>(), (std::vector<float>{4, 5, 1, 1, 7, 9}));
}

TEST_F(Embedding, RejectsAWordOutsideTheTable) {
  EXPECT_ERROR(nn::embedding(backend_, zero_tensor({3, 2}), Tensor::from<int32_t>({1}, {3}),
                             zero_tensor({1, 2})),
               core::ErrorCode::kInvalidArgument, "[0, 3), position 0 has 3");
}

}  // namespace
}  // namespace switchyard::ops
