#include "ops/nn/copy_column.h"

#include <gtest/gtest.h>

#include "ops/backend.h"
#include "tests/support/error_matcher.h"

namespace switchyard::ops {
namespace {

using tensor::Tensor;

class CopyColumn : public ::testing::Test {
 protected:
  core::ThreadPool threads_{2};
  tensor::CpuDevice device_{threads_};
  Backend backend_ = backend_on(device_);
};

TEST_F(CopyColumn, TakesAnyType) {
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

}  // namespace
}  // namespace switchyard::ops
