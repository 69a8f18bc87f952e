#include "ops/nn/lstm_cell.h"

#include <gtest/gtest.h>

#include "tests/support/error_matcher.h"
#include "tests/support/random_tensor.h"

namespace switchyard::ops::nn {
namespace {

using tensor::Tensor;
using tests::random_tensor;
using tests::relative_error;
using tests::to_double;
using tests::zero_tensor;
using Numbers = std::vector<double>;

constexpr int64_t kB = 3;
constexpr int64_t kU = 5;
constexpr double kForgetBias = 0.5;

double sigmoid(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}

// c and h, one unit at a time; the third stream's state is reset.
std::pair<Numbers, Numbers> reference(const Numbers& gates, const Numbers& bias,
                                      const Numbers& c_before) {
  Numbers c;
  Numbers h;
  for (size_t b = 0; b < kB; ++b) {
    for (size_t u = 0; u < kU; ++u) {
      const auto z = [&](size_t gate) {
        return gates[(4 * b + gate) * kU + u] + bias[gate * kU + u];
      };
      const double before = b == 2 ? 0.0 : c_before[b * kU + u];
      c.push_back(sigmoid(z(2) + kForgetBias) * before + sigmoid(z(0)) * std::tanh(z(1)));
      h.push_back(sigmoid(z(3)) * std::tanh(c.back()));
    }
  }
  return {c, h};
}

class LstmCell : public ::testing::TestWithParam<int> {
 protected:
  core::ThreadPool threads_{GetParam()};
  tensor::CpuDevice device_{threads_};
  Backend backend_ = backend_on(device_);
  tensor::CpuAllocator allocator_;
  tensor::Arena scratch_{allocator_};
  // h is a column of a wider tensor, as one step of a sequence is.
  Tensor wide_ = zero_tensor({kB, 2, kU});
  LstmCellTensors t_ = {.gates = random_tensor({kB, 4 * kU}, 1),
                        .bias = random_tensor({4 * kU}, 2),
                        .keep = Tensor::from<float>({kB}, {1.0F, 1.0F, 0.0F}),
                        .c_before = random_tensor({kB, kU}, 3),
                        .c = zero_tensor({kB, kU}),
                        .h = wide_.select(1, 1),
                        .forget_bias = static_cast<float>(kForgetBias)};

  [[nodiscard]] Numbers h() const {
    Numbers values;
    for (int64_t b = 0; b < kB; ++b) {
      const Numbers row = to_double(wide_.select(0, b).select(0, 1));
      values.insert(values.end(), row.begin(), row.end());
    }
    return values;
  }
};

TEST_P(LstmCell, EqualsItsEquations) {
  const auto [c, h_of_reference] =
      reference(to_double(t_.gates), to_double(t_.bias), to_double(t_.c_before));
  lstm_cell(backend_, t_);
  EXPECT_LT(relative_error(to_double(t_.c), c), 1e-6);
  EXPECT_LT(relative_error(h(), h_of_reference), 1e-6);
  EXPECT_EQ(to_double(wide_.select(0, 1).select(0, 0)), Numbers(kU, 0.0));
}

TEST_P(LstmCell, GradientsEqualFiniteDifferences) {
  const Tensor grad_h = random_tensor({kB, kU}, 4);
  const Tensor grad_c = random_tensor({kB, kU}, 5);
  const Numbers of_h = to_double(grad_h);
  const Numbers of_c = to_double(grad_c);
  const Numbers gates = to_double(t_.gates);
  const Numbers c_before = to_double(t_.c_before);
  const auto loss = [&](const Numbers& z, const Numbers& before) {
    const auto [c, h] = reference(z, to_double(t_.bias), before);
    double sum = 0.0;
    for (size_t i = 0; i < c.size(); ++i) {
      sum += of_c[i] * c[i] + of_h[i] * h[i];
    }
    return sum;
  };
  lstm_cell(backend_, t_);
  lstm_cell_grad(backend_, t_, grad_h, scratch_, grad_c);
  EXPECT_LT(relative_error(to_double(t_.gates),
                           tests::numeric_gradient(
                               gates, [&](const Numbers& z) { return loss(z, c_before); })),
            1e-5);
  EXPECT_LT(relative_error(to_double(grad_c),
                           tests::numeric_gradient(
                               c_before, [&](const Numbers& c) { return loss(gates, c); })),
            1e-5);
}

INSTANTIATE_TEST_SUITE_P(Threads, LstmCell, ::testing::Values(1, 2));

TEST(LstmCellChecks, SaysWhichTensorDoesNotFit) {
  core::ThreadPool threads(1);
  tensor::CpuDevice device{threads};
  const LstmCellTensors t = {.gates = zero_tensor({2, 12}),
                             .bias = zero_tensor({16}),
                             .keep = zero_tensor({2}),
                             .c_before = zero_tensor({2, 4}),
                             .c = zero_tensor({2, 4}),
                             .h = zero_tensor({2, 4})};
  EXPECT_ERROR(lstm_cell(backend_on(device), t), core::ErrorCode::kInvalidArgument,
               "gates must be [2, 16] with contiguous rows, got [2, 12]");
}

}  // namespace
}  // namespace switchyard::ops::nn
