#include "ops/moe/expert_rows.h"

#include <gtest/gtest.h>

#include "tests/support/error_matcher.h"

namespace switchyard::ops::moe {

namespace {

using tensor::Tensor;
using Ints = std::vector<int32_t>;

class ExpertRowsTest : public testing::Test {
 protected:
  static ExpertRows rows(const Ints& offsets, tensor::Device& device) {
    const Tensor tensor = Tensor::from<int32_t>({static_cast<int64_t>(offsets.size())}, offsets);
    return {.offsets = tensor, .host_offsets = device.read_back<int32_t>(tensor)};
  }
  static Ints on_host(const ExpertRows& rows) {
    return {rows.host_offsets.begin(), rows.host_offsets.end()};
  }

  core::ThreadPool threads_{1};
  tensor::CpuDevice device_{threads_};
  Backend backend_ = backend_on(device_);
  tensor::Arena arena_{device_.memory()};
  ExpertRows all_ = rows({0, 2, 2, 5, 9}, device_);
};

TEST_F(ExpertRowsTest, KnowsTheRowsOfNeighbours) {
  const RowRange range = all_.rows_of(1, 2);
  EXPECT_EQ(range.begin, 2);
  EXPECT_EQ(range.end, 5);
  EXPECT_TRUE(all_.rows_of(1, 1).is_empty());
  EXPECT_EQ(range.of(Tensor::from<float>({9}, {0, 1, 2, 3, 4, 5, 6, 7, 8})).to_vector<float>(),
            (std::vector<float>{2, 3, 4}));
  EXPECT_ERROR((void)all_.rows_of(3, 2), core::ErrorCode::kInvalidArgument, "experts 3 ... 4");
}

TEST_F(ExpertRowsTest, CountsAPartFromItsFirstRow) {
  const ExpertRows part = part_of(backend_, all_, 2, 2, arena_);
  EXPECT_EQ(part.offsets.to_vector<int32_t>(), (Ints{0, 3, 7}));
  EXPECT_EQ(on_host(part), (Ints{0, 3, 7}));
}

TEST_F(ExpertRowsTest, AFirstPartIsAViewOfTheWhole) {
  const ExpertRows part = part_of(backend_, all_, 0, 2, arena_);
  EXPECT_EQ(part.offsets.raw(), all_.offsets.raw());
  EXPECT_EQ(on_host(part), (Ints{0, 2, 2}));
  EXPECT_EQ(arena_.peak_bytes(), 0);
}

TEST_F(ExpertRowsTest, OneExpertHasAllRows) {
  const ExpertRows one = rows_of_one_expert(backend_, 6, arena_);
  EXPECT_EQ(one.offsets.to_vector<int32_t>(), (Ints{0, 6}));
  EXPECT_EQ(on_host(one), (Ints{0, 6}));
}

TEST_F(ExpertRowsTest, AddsCounts) {
  const Tensor sum = Tensor::from<int32_t>({3}, {1, 2, 3});
  add_counts(backend_, Tensor::from<int32_t>({3}, {10, 0, -1}), sum);
  EXPECT_EQ(sum.to_vector<int32_t>(), (Ints{11, 2, 2}));
  EXPECT_ERROR(add_counts(backend_, Tensor::from<int32_t>({2}, {1, 2}), sum),
               core::ErrorCode::kInvalidArgument, "add_counts: needs two contiguous i32 tensors");
}

}  // namespace

}  // namespace switchyard::ops::moe
