#include "ops/nn/column_sums.h"

#include <gtest/gtest.h>

#include "ops/backend.h"

namespace switchyard::ops {
namespace {

using tensor::Tensor;

class ColumnSums : public ::testing::Test {
 protected:
  core::ThreadPool threads_{2};
  tensor::CpuDevice device_{threads_};
  Backend backend_ = backend_on(device_);
};

TEST_F(ColumnSums, AreAddedInPlace) {
  const Tensor sums = Tensor::from<float>({2}, {10, 20});
  nn::add_column_sums(backend_, Tensor::from<float>({3, 2}, {1, 2, 3, 4, 5, 6}), sums);
  EXPECT_EQ(sums.to_vector<float>(), (std::vector<float>{19, 32}));
}

}  // namespace
}  // namespace switchyard::ops
