#include "tensor/tensor.h"

#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace switchyard::tensor {
namespace {

using testing::Each;
using testing::ElementsAre;

TEST(Tensor, OwnsAlignedMemory) {
  CpuAllocator allocator;
  for (const int64_t count : {int64_t{0}, int64_t{1}, int64_t{17}, int64_t{3} << 20}) {
    const Tensor tensor = Tensor::zeros(DType::kF32, {count}, allocator);
    ASSERT_NE(tensor.raw(), nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.raw()) % 64, 0U);
    EXPECT_EQ(tensor.bytes(), 4 * count);
    EXPECT_EQ(tensor.device(), DeviceType::kCpu);
  }
  EXPECT_THAT(Tensor::zeros(DType::kI32, {5}, allocator).to_vector<int32_t>(), Each(0));
}

TEST(Tensor, SharesItsElementsWithItsCopies) {
  Tensor copy;
  EXPECT_FALSE(copy.defined());
  {
    const Tensor first = Tensor::from<float>({2}, {1, 2});
    copy = first;
    first.data<float>()[1] = 9;
  }
  EXPECT_TRUE(copy.defined());
  EXPECT_THAT(copy.to_vector<float>(), ElementsAre(1, 9));
}

TEST(Tensor, BorrowsMemoryRowMajor) {
  std::vector<float> memory = {0, 1, 2, 3, 4, 5};
  const Tensor tensor = Tensor::borrow(memory.data(), DType::kF32, {2, 3});
  EXPECT_EQ(tensor.raw(), memory.data());
  EXPECT_EQ(tensor.stride(0), 3);
  EXPECT_EQ(tensor.stride(1), 1);
  EXPECT_TRUE(tensor.is_contiguous());
}

TEST(Tensor, SlicesAndSelectsWithoutCopying) {
  const Tensor tensor = Tensor::from<int32_t>({3, 4}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  const Tensor rows = tensor.slice(0, 1, 3);
  EXPECT_EQ(rows.shape(), (Shape{2, 4}));
  EXPECT_THAT(rows.to_vector<int32_t>(), ElementsAre(4, 5, 6, 7, 8, 9, 10, 11));

  const Tensor columns = tensor.slice(1, 1, 3);
  EXPECT_EQ(columns.shape(), (Shape{3, 2}));
  EXPECT_FALSE(columns.is_contiguous());
  EXPECT_EQ(columns.data<int32_t>()[columns.stride(0)], 5);
  EXPECT_THROW((void)columns.to_vector<int32_t>(), core::Error);
  EXPECT_THROW((void)columns.reshape({6}), core::Error);

  EXPECT_THAT(tensor.select(0, 2).to_vector<int32_t>(), ElementsAre(8, 9, 10, 11));
  const Tensor column = tensor.select(1, 3);
  EXPECT_EQ(column.shape(), (Shape{3}));
  EXPECT_EQ(column.stride(0), 4);
  EXPECT_EQ(column.data<int32_t>()[2 * column.stride(0)], 11);

  EXPECT_EQ(tensor.slice(0, 3, 3).count(), 0);
  EXPECT_TRUE(tensor.slice(0, 2, 3).slice(1, 0, 4).is_contiguous());
  EXPECT_TRUE(tensor.slice(1, 1, 2).slice(0, 1, 2).is_contiguous()) << "one element always is";
}

TEST(Tensor, KeepsItsMemoryAliveThroughViews) {
  Tensor view;
  {
    const Tensor whole = Tensor::from<float>({2, 2}, {1, 2, 3, 4});
    view = whole.reshape({4}).slice(0, 2, 4);
  }
  EXPECT_THAT(view.to_vector<float>(), ElementsAre(3, 4));
}

TEST(Tensor, RefusesWhatDoesNotFit) {
  const Tensor tensor = Tensor::from<float>({2, 3}, {0, 1, 2, 3, 4, 5});
  EXPECT_THROW((void)tensor.reshape({5}), core::Error);
  EXPECT_THROW((void)tensor.slice(0, 1, 3), core::Error);
  EXPECT_THROW((void)tensor.slice(0, 2, 1), core::Error);
  EXPECT_THROW((void)tensor.slice(2, 0, 1), core::Error);
  EXPECT_THROW((void)tensor.select(1, 3), core::Error);
  EXPECT_THROW((void)tensor.select(-1, 0), core::Error);
  EXPECT_THROW((void)Tensor::from<float>({2}, {1, 2, 3}), core::Error);
  try {
    (void)tensor.data<int32_t>();
    FAIL() << "a float was read as an integer";
  } catch (const core::Error& error) {
    EXPECT_EQ(error.code(), core::ErrorCode::kInternal);
    EXPECT_STREQ(error.what(), "tensor of f32 read as i32");
  }
}

TEST(Tensor, KnowsTheSizeOfEveryElementType) {
  EXPECT_EQ(size_of(DType::kF32), 4);
  EXPECT_EQ(size_of(DType::kBf16), 2);
  EXPECT_EQ(size_of(DType::kI32), 4);
  EXPECT_EQ(size_of(DType::kU8), 1);
  EXPECT_EQ(size_of(DType::kI64), 8);
  EXPECT_EQ(name_of(kDTypeOf<Bf16>), "bf16");
}

TEST(CpuAllocator, SaysWhatItCannotGive) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer ends the program instead";
#endif
  CpuAllocator allocator;
  try {
    (void)allocator.allocate(int64_t{1} << 60);
    FAIL() << "an exbibyte was given";
  } catch (const core::Error& error) {
    EXPECT_EQ(error.code(), core::ErrorCode::kOutOfMemory);
  }
}

}  // namespace
}  // namespace switchyard::tensor
