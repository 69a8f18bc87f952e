#include "tensor/row_gradient.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tensor/parameter.h"
#include "tests/support/error_matcher.h"

namespace switchyard::tensor {
namespace {

using testing::Each;
using testing::ElementsAre;

class RowGradientTest : public testing::Test {
 protected:
  std::vector<int32_t> touch(const std::vector<int32_t>& ids) {
    const auto n = static_cast<int64_t>(ids.size());
    const Tensor positions = Tensor::empty(DType::kI32, {n}, allocator_);
    gradient_.touch(Tensor::from<int32_t>({n}, ids), positions);
    return positions.to_vector<int32_t>();
  }

  CpuAllocator allocator_;
  RowGradient gradient_{{100, 2}, allocator_};
};

TEST_F(RowGradientTest, HoldsTheTouchedRowsInOrderAndOnce) {
  EXPECT_THAT(touch({7, 3, 7, -1, 99}), ElementsAre(1, 0, 1, -1, 2));
  EXPECT_THAT(gradient_.rows().to_vector<int32_t>(), ElementsAre(3, 7, 99));
  EXPECT_EQ(gradient_.values().shape(), (Shape{3, 2}));
  EXPECT_THAT(gradient_.values().to_vector<float>(), Each(0.0F));
}

TEST_F(RowGradientTest, KeepsTheGradientOfRowsWhenOthersCome) {
  (void)touch({7, 3, 50});
  for (int64_t i = 0; i < 6; ++i) {
    gradient_.values().data<float>()[i] = static_cast<float>(i + 1);
  }
  EXPECT_THAT(touch({60, 7, 0, 5}), ElementsAre(5, 3, 0, 2));
  EXPECT_THAT(gradient_.rows().to_vector<int32_t>(), ElementsAre(0, 3, 5, 7, 50, 60));
  EXPECT_THAT(gradient_.values().to_vector<float>(),
              ElementsAre(0, 0, 1, 2, 0, 0, 3, 4, 5, 6, 0, 0));
  EXPECT_THAT(touch({50, 3}), ElementsAre(4, 1)) << "nothing new";
  EXPECT_EQ(gradient_.rows().count(), 6);
}

TEST_F(RowGradientTest, BeginsAnewAfterClear) {
  (void)touch({4});
  gradient_.values().data<float>()[0] = 9.0F;
  gradient_.clear();
  EXPECT_EQ(gradient_.rows().count(), 0);
  EXPECT_NE(gradient_.rows().raw(), nullptr);
  (void)touch({4, 2});
  EXPECT_THAT(gradient_.values().to_vector<float>(), Each(0.0F));
}

// Random sets, one after the other, against an array with a place for every row.
TEST_F(RowGradientTest, EqualsADenseGradient) {
  std::vector<float> dense(100, 0.0F);
  uint32_t state = 1;
  for (int round = 0; round < 20; ++round) {
    std::vector<int32_t> ids;
    for (int i = 0; i < 12; ++i) {
      state = state * 1664525U + 1013904223U;
      ids.push_back(static_cast<int32_t>(state >> 8U) % 100);
    }
    const std::vector<int32_t> positions = touch(ids);
    for (size_t i = 0; i < ids.size(); ++i) {
      dense[static_cast<size_t>(ids[i])] += 1.0F;
      gradient_.values().data<float>()[2 * positions[i] + 1] += 1.0F;
    }
  }
  std::vector<float> spread(100, 0.0F);
  const std::vector<int32_t> rows = gradient_.rows().to_vector<int32_t>();
  for (size_t i = 0; i < rows.size(); ++i) {
    spread[static_cast<size_t>(rows[i])] = gradient_.values().data<float>()[2 * i + 1];
  }
  EXPECT_EQ(spread, dense);
}

TEST_F(RowGradientTest, RefusesRowsOutside) {
  EXPECT_ERROR(touch({100}), core::ErrorCode::kInvalidArgument,
               "rows must be in [-1, 100), position 0 has 100");
  EXPECT_ERROR(touch({-2}), core::ErrorCode::kInvalidArgument, "has -2");
  EXPECT_ERROR(RowGradient({}, allocator_), core::ErrorCode::kInvalidArgument,
               "must have rows, got a scalar");
}

TEST(ParameterSet, KeepsAGradientByRowWhereFewRowsAreTouched) {
  CpuAllocator allocator;
  ParameterSet parameters;
  Parameter& table = parameters.add(
      {.name = "table", .shape = {1000, 4}, .touched_rows = {.per_token = 2, .fixed = 10}});
  EXPECT_FALSE(table.has_grad());
  parameters.allocate(allocator);
  EXPECT_FALSE(table.grad.defined());
  ASSERT_TRUE(table.has_grad());
  EXPECT_EQ(table.grad_values().count(), 0);
  const Tensor ids = Tensor::from<int32_t>({2}, {5, 8});
  table.row_grad.touch(ids, Tensor::from<int32_t>({2}, {0, 0}));
  EXPECT_EQ(table.grad_values().shape(), (Shape{2, 4}));
  table.drop_grad();
  EXPECT_EQ(table.grad_values().count(), 0);
}

}  // namespace
}  // namespace switchyard::tensor
