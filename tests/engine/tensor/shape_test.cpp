#include "tensor/shape.h"

#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"

namespace switchyard::tensor {
namespace {

TEST(Shape, CountsItsElements) {
  EXPECT_EQ(Shape().dim(), 0);
  EXPECT_EQ(Shape().count(), 1) << "a scalar";
  EXPECT_EQ((Shape{3, 4, 5}).count(), 60);
  EXPECT_EQ((Shape{3, 0, 5}).count(), 0);
  EXPECT_EQ((Shape{int64_t{1} << 20, int64_t{1} << 20}).count(), int64_t{1} << 40);
}

TEST(Shape, IsEqualOnlyToTheSameExtents) {
  EXPECT_EQ((Shape{2, 3}), (Shape{2, 3}));
  EXPECT_FALSE((Shape{2, 3}) == (Shape{3, 2}));
  EXPECT_FALSE((Shape{2, 3}) == (Shape{2, 3, 1}));
  Shape changed{2, 3};
  changed[1] = 7;
  EXPECT_EQ(changed, (Shape{2, 7}));
}

TEST(Shape, RefusesNegativeExtentsAndTooManyAxes) {
  EXPECT_NO_THROW(Shape(std::vector<int64_t>(8, 1)));
  EXPECT_THROW(Shape(std::vector<int64_t>(9, 1)), core::Error);
  EXPECT_THROW((Shape{2, -1}), core::Error);
}

TEST(Shape, IsWrittenInBrackets) {
  EXPECT_EQ(fmt::format("{} {} {}", Shape(), Shape{3}, Shape{3, 4}), "[] [3] [3, 4]");
}

}  // namespace
}  // namespace switchyard::tensor
