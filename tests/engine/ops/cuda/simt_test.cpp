// The CUDA kernels of dispatch and combine, compiled by the host compiler and run fiber by fiber,
// give what the CPU kernels give, in every order of threads. And the machinery finds what it is
// for.
#include <stdexcept>

#include <gtest/gtest.h>

#include "ops/moe/kernels.h"
#include "tensor/cuda_launch.h"
#include "tests/engine/ops/cuda/routing_case.h"

namespace switchyard::test {
namespace {

using simt::Machine;
using simt::ThreadOrder;

void expect_near(const std::vector<float>& got, const std::vector<float>& expected,
                 float tolerance) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_NEAR(got[i], expected[i], tolerance) << "at " << i;
  }
}

class SimtRouting : public testing::TestWithParam<ThreadOrder> {
 protected:
  void SetUp() override {
    Machine::current().set_order(GetParam());
    kernels_ = ops::moe::cuda_kernels();
  }

  ops::moe::Kernels kernels_;
  tensor::Stream stream_{.device = tensor::DeviceType::kCuda};
};

TEST_P(SimtRouting, DispatchEqualsTheCpu) {
  for (const RoutingCase& c : routing_cases()) {
    SCOPED_TRACE(c.name);
    std::vector<float> rows(c.rows.size(), -7.0F);
    kernels_.dispatch(stream_, c.n, c.x.data(), c.row_pair.data(), &c.offsets.back(), rows.data());
    EXPECT_EQ(rows, c.rows);
  }
}

TEST_P(SimtRouting, DispatchGradientEqualsTheCpu) {
  for (const RoutingCase& c : routing_cases()) {
    SCOPED_TRACE(c.name);
    std::vector<float> grad_x = c.grad_x_before;
    kernels_.dispatch_grad(stream_, c.n, c.grad_rows.data(), c.pair_row.data(), grad_x.data());
    expect_near(grad_x, c.grad_x, 1e-6F);
  }
}

TEST_P(SimtRouting, CombineEqualsTheCpu) {
  for (const RoutingCase& c : routing_cases()) {
    SCOPED_TRACE(c.name);
    std::vector<float> y(c.y.size(), -7.0F);
    kernels_.combine(stream_, c.n, c.expert_out.data(), c.gate_weight.data(), c.pair_row.data(),
                     y.data());
    expect_near(y, c.y, 1e-6F);
  }
}

TEST_P(SimtRouting, CombineGradientEqualsTheCpu) {
  for (const RoutingCase& c : routing_cases()) {
    SCOPED_TRACE(c.name);
    std::vector<float> grad_rows(c.grad_expert_out.size(), -7.0F);
    std::vector<float> grad_weight(c.grad_gate_weight.size(), -7.0F);
    kernels_.combine_grad(stream_, c.n, c.grad_y.data(), c.expert_out.data(), c.gate_weight.data(),
                          c.pair_row.data(), grad_rows.data(), grad_weight.data());
    expect_near(grad_rows, c.grad_expert_out, 1e-6F);
    expect_near(grad_weight, c.grad_gate_weight, 1e-5F);
  }
}

INSTANTIATE_TEST_SUITE_P(ThreadOrders, SimtRouting, testing::ValuesIn(simt::kAllOrders),
                         [](const testing::TestParamInfo<ThreadOrder>& order) -> std::string {
                           switch (order.param) {
                             case ThreadOrder::kForward:
                               return "Forward";
                             case ThreadOrder::kReverse:
                               return "Reverse";
                             default:
                               return "Shuffled";
                           }
                         });

// Every thread hands its number to its right neighbour through memory that the block shares.
void rotate_through_shared(int* out, bool with_barrier) {
  __shared__ int box[64];
  const unsigned i = threadIdx.x;
  box[i] = static_cast<int>(i);
  if (with_barrier) {
    __syncthreads();
  }
  out[i] = box[(i + 1) % 64];
  __syncthreads();
  box[i] = -1;
}

std::vector<int> rotate(ThreadOrder order, bool with_barrier) {
  std::vector<int> out(64);
  int* to = out.data();
  Machine::current().set_order(order);
  Machine::current().run(1U, 64U, [&] { rotate_through_shared(to, with_barrier); });
  return out;
}

TEST(Simt, ABarrierMakesAllOrdersEqual) {
  for (const ThreadOrder order : simt::kAllOrders) {
    const std::vector<int> out = rotate(order, true);
    for (int i = 0; i < 64; ++i) {
      EXPECT_EQ(out[static_cast<size_t>(i)], (i + 1) % 64);
    }
  }
}

TEST(Simt, AMissingBarrierShowsInSomeOrder) {
  const std::vector<int> right = rotate(ThreadOrder::kForward, true);
  EXPECT_TRUE(rotate(ThreadOrder::kForward, false) != right ||
              rotate(ThreadOrder::kReverse, false) != right);
}

TEST(Simt, ReportsABarrierThatNotAllThreadsReach) {
  Machine::current().set_order(ThreadOrder::kForward);
  EXPECT_THROW(Machine::current().run(1U, 64U,
                                      [] {
                                        if (threadIdx.x < 32) {
                                          __syncthreads();
                                        }
                                      }),
               std::logic_error);
}

}  // namespace
}  // namespace switchyard::test
