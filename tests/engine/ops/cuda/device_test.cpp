// The CUDA kernels of dispatch and combine on a device give what the CPU kernels give. Skipped
// with a message where there is no device.
#include <gtest/gtest.h>

#include "core/error.h"
#include "ops/kernels.h"
#include "tensor/cuda_module.h"
#include "tests/engine/ops/cuda/routing_case.h"

namespace switchyard::test {
namespace {

class CudaRouting : public testing::Test {
 protected:
  void SetUp() override {
    if (!module_.available()) {
      GTEST_SKIP() << module_.reason();
    }
    allocator_ = module_.table().make_allocator(0);
    stream_ = {.device = tensor::DeviceType::kCuda, .handle = module_.table().open_stream(0)};
  }

  void TearDown() override {
    if (stream_.handle != nullptr) {
      module_.table().close_stream(stream_.handle);
    }
  }

  template <typename T>
  T* upload(const std::vector<T>& values) {
    const auto bytes = static_cast<int64_t>(values.size() * sizeof(T));
    memory_.push_back(allocator_->allocate(bytes));
    module_.table().copy(stream_, memory_.back().get(), values.data(), bytes);
    return static_cast<T*>(memory_.back().get());
  }

  std::vector<float> download(const float* from, size_t count) {
    std::vector<float> values(count);
    module_.table().copy(stream_, values.data(), from, static_cast<int64_t>(count * sizeof(float)));
    module_.table().synchronize(stream_);
    return values;
  }

  tensor::CudaModule module_;
  std::unique_ptr<tensor::Allocator> allocator_;
  std::vector<std::shared_ptr<void>> memory_;
  tensor::Stream stream_;
};

void expect_near(const std::vector<float>& got, const std::vector<float>& expected,
                 float tolerance) {
  for (size_t i = 0; i < expected.size(); ++i) {
    ASSERT_NEAR(got[i], expected[i], tolerance) << "at " << i;
  }
}

TEST_F(CudaRouting, DispatchAndItsGradientEqualTheCpu) {
  const ops::moe::Kernels& kernels = module_.table().kernels->moe;
  for (const RoutingCase& c : routing_cases()) {
    SCOPED_TRACE(c.name);
    float* rows = upload(std::vector<float>(c.rows.size(), -7.0F));
    kernels.dispatch(stream_, c.n, upload(c.x), upload(c.row_pair), upload(c.offsets) + c.n.E,
                     rows);
    EXPECT_EQ(download(rows, c.rows.size()), c.rows);
    float* grad_x = upload(c.grad_x_before);
    kernels.dispatch_grad(stream_, c.n, upload(c.grad_rows), upload(c.pair_row), grad_x);
    expect_near(download(grad_x, c.grad_x.size()), c.grad_x, 1e-6F);
  }
}

TEST_F(CudaRouting, CombineAndItsGradientEqualTheCpu) {
  const ops::moe::Kernels& kernels = module_.table().kernels->moe;
  for (const RoutingCase& c : routing_cases()) {
    SCOPED_TRACE(c.name);
    float* y = upload(std::vector<float>(c.y.size(), -7.0F));
    const float* expert_out = upload(c.expert_out);
    const float* weight = upload(c.gate_weight);
    const int32_t* pair_row = upload(c.pair_row);
    kernels.combine(stream_, c.n, expert_out, weight, pair_row, y);
    expect_near(download(y, c.y.size()), c.y, 1e-6F);
    float* grad_rows = upload(std::vector<float>(c.grad_expert_out.size(), -7.0F));
    float* grad_weight = upload(std::vector<float>(c.grad_gate_weight.size(), -7.0F));
    kernels.combine_grad(stream_, c.n, upload(c.grad_y), expert_out, weight, pair_row, grad_rows,
                         grad_weight);
    expect_near(download(grad_rows, c.grad_expert_out.size()), c.grad_expert_out, 1e-6F);
    expect_near(download(grad_weight, c.grad_gate_weight.size()), c.grad_gate_weight, 1e-5F);
  }
}

}  // namespace
}  // namespace switchyard::test
