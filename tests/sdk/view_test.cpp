#include <gtest/gtest.h>

#include <switchyard/view.hpp>

#include "tests/support/buffer.h"

namespace switchyard::test {
namespace {

TEST(SdkView, TakesColumnsWithoutCopying) {
  Buffer b = Buffer::of({2, 3}, {0, 1, 2, 3, 4, 5});
  const sy::View columns = sy::View::columns(b.view(), 1, 2);
  const sy_tensor& t = columns;
  EXPECT_EQ(t.ndim, 2);
  EXPECT_EQ(t.shape[0], 2);
  EXPECT_EQ(t.shape[1], 2);
  EXPECT_EQ(t.strides[0], 3);
  EXPECT_EQ(static_cast<float*>(t.data), b.f32() + 1);
  const sy::View column = sy::View::column(b.view(), 2);
  EXPECT_EQ(static_cast<const sy_tensor&>(column).ndim, 1);
  EXPECT_EQ(static_cast<const sy_tensor&>(column).strides[0], 3);
}

TEST(SdkView, TakesRowsWithoutCopying) {
  Buffer b = Buffer::of({3, 2, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  const sy::View rows = sy::View::rows(b.view(), 1, 2);
  const sy_tensor& t = rows;
  ASSERT_EQ(t.ndim, 3);
  EXPECT_EQ(t.shape[0], 2);
  EXPECT_EQ(t.shape[2], 2);
  EXPECT_EQ(t.strides[0], 4);
  EXPECT_EQ(static_cast<float*>(t.data), b.f32() + 4);
  const sy::View selected = sy::View::select(rows, 1);
  const sy_tensor& row = selected;
  ASSERT_EQ(row.ndim, 2);
  EXPECT_EQ(row.strides[0], 2);
  EXPECT_EQ(static_cast<float*>(row.data), b.f32() + 8);
  EXPECT_THROW((void)sy::View::rows(b.view(), 2, 2), sy::Error);
  EXPECT_THROW((void)sy::View::select(b.view(), 3), sy::Error);
}

TEST(SdkView, TransposesWithoutCopying) {
  Buffer b = Buffer::of({2, 3}, {0, 1, 2, 3, 4, 5});
  const sy::View transposed = sy::View::transpose(b.view());
  const sy_tensor& t = transposed;
  ASSERT_EQ(t.ndim, 2);
  EXPECT_EQ(t.shape[0], 3);
  EXPECT_EQ(t.shape[1], 2);
  EXPECT_EQ(t.strides[0], 1);
  EXPECT_EQ(t.strides[1], 3);
  EXPECT_EQ(t.data, b.f32());
  EXPECT_THROW((void)sy::View::transpose(sy::View::column(b.view(), 0)), sy::Error);
}

TEST(SdkView, CarriesItsShapeThroughCopies) {
  Buffer b = Buffer::of({2, 3}, {0, 1, 2, 3, 4, 5});
  sy::View copy = sy::View::columns(b.view(), 0, 1);
  copy = sy::View(sy::View::reshape(b.view(), {3, 2, 1}));
  const sy_tensor& t = copy;
  ASSERT_EQ(t.ndim, 3);
  EXPECT_EQ(t.shape[0], 3);
  EXPECT_EQ(t.shape[1], 2);
  EXPECT_EQ(t.strides[0], 2);
  EXPECT_EQ(sy::num_elements(t), 6);
}

TEST(SdkView, RefusesWhatDoesNotFit) {
  Buffer b = Buffer::of({2, 3}, {0, 1, 2, 3, 4, 5});
  EXPECT_THROW((void)sy::View::reshape(b.view(), {4}), sy::Error);
  EXPECT_THROW((void)sy::View::columns(b.view(), 2, 2), sy::Error);
  EXPECT_THROW((void)sy::View::column(b.view(), -1), sy::Error);
}

TEST(SdkView, AcceptsTensorsWithoutElements) {
  Buffer b(sy::kF32, {0, 3});
  EXPECT_EQ(sy::num_elements(sy::View::reshape(b.view(), {0, 1})), 0);
  EXPECT_EQ(sy::num_elements(sy::View::columns(b.view(), 1, 2)), 0);
}

}  // namespace
}  // namespace switchyard::test
