#include "tensor/device.h"

#include <array>

#include <gtest/gtest.h>

#include "tests/support/error_matcher.h"

namespace switchyard::tensor {

namespace {

class CpuDeviceTest : public testing::Test {
 protected:
  core::ThreadPool threads_{1};
  CpuDevice device_{threads_};
};

TEST_F(CpuDeviceTest, SaysWhatItIs) {
  EXPECT_EQ(device_.name(), "cpu");
  EXPECT_TRUE(device_.is_host());
  EXPECT_EQ(device_.stream().threads, &threads_);
  EXPECT_EQ(device_.memory().device(), DeviceType::kCpu);
  device_.wait();
}

TEST_F(CpuDeviceTest, ReadsBackTheMemoryItself) {
  const Tensor x = Tensor::from<float>({2, 2}, {1, 2, 3, 4});
  const HostView<float> view = device_.read_back<float>(x);
  EXPECT_EQ(view.data(), x.data<float>());
  EXPECT_EQ(view.size(), 4U);
  EXPECT_EQ(view[3], 4.0F);
}

TEST_F(CpuDeviceTest, UploadsIntoATensor) {
  const std::array<int32_t, 3> values = {4, 5, 6};
  const Tensor x = Tensor::empty(DType::kI32, {3}, device_.memory());
  device_.upload<int32_t>(values, x);
  EXPECT_EQ(x.to_vector<int32_t>(), (std::vector<int32_t>{4, 5, 6}));
}

TEST_F(CpuDeviceTest, ClearsATensor) {
  const Tensor x = Tensor::from<float>({2}, {1, 2});
  device_.clear(x);
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{0, 0}));
}

TEST_F(CpuDeviceTest, MakesTensorsOfZeros) {
  const Tensor x = Tensor::zeros(DType::kF64, {3}, device_);
  EXPECT_EQ(x.to_vector<double>(), (std::vector<double>{0, 0, 0}));
}

TEST_F(CpuDeviceTest, RefusesOtherLengthsAndViewsWithGaps) {
  const std::array<float, 2> values = {1, 2};
  const Tensor x = Tensor::from<float>({2, 2}, {1, 2, 3, 4});
  EXPECT_ERROR(device_.upload<float>(values, x), core::ErrorCode::kInvalidArgument,
               "2 values do not fill a tensor of [2, 2]");
  EXPECT_ERROR((void)device_.read_back<float>(x.slice(1, 0, 1)), core::ErrorCode::kInvalidArgument,
               "contiguous");
  EXPECT_ERROR(device_.clear(x.slice(1, 0, 1)), core::ErrorCode::kInvalidArgument, "contiguous");
}

TEST(HostView, KeepsItsOwner) {
  const auto owner = std::make_shared<std::vector<int32_t>>(std::vector<int32_t>{7, 8});
  HostView<int32_t> view;
  EXPECT_TRUE(view.empty());
  {
    const HostView<int32_t> inner(*owner, owner);
    view = inner;
  }
  EXPECT_EQ(owner.use_count(), 2);
  EXPECT_EQ(view.back(), 8);
}

}  // namespace

}  // namespace switchyard::tensor
