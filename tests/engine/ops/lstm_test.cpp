#include "ops/nn/lstm.h"

#include <gtest/gtest.h>

#include "tests/support/random_tensor.h"

namespace switchyard::ops::nn {
namespace {

using tensor::Tensor;
using tests::random_tensor;
using tests::relative_error;
using tests::to_double;
using tests::zero_tensor;

constexpr int64_t kB = 3;
constexpr int64_t kS = 4;
constexpr int64_t kI = 5;
constexpr int64_t kU = 2;

double sigmoid(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}

struct Case {
  std::vector<double> x, kernel, bias, h, c;
  std::vector<uint8_t> resets;
};

// The equations of lstm.h, one stream and one unit at a time. Returns y and leaves the state in h,
// c.
std::vector<double> reference(Case& a) {
  std::vector<double> y(kB * kS * kU);
  for (int64_t b = 0; b < kB; ++b) {
    for (int64_t s = 0; s < kS; ++s) {
      std::vector<double> input(a.x.begin() + (b * kS + s) * kI,
                                a.x.begin() + (b * kS + s + 1) * kI);
      const double keep = a.resets[static_cast<size_t>(b * kS + s)] != 0 ? 0.0 : 1.0;
      for (int64_t u = 0; u < kU; ++u) {
        input.push_back(keep * a.h[static_cast<size_t>(b * kU + u)]);
      }
      for (int64_t u = 0; u < kU; ++u) {
        std::array<double, 4> z{};
        for (int64_t gate = 0; gate < 4; ++gate) {
          z[static_cast<size_t>(gate)] = a.bias[static_cast<size_t>(gate * kU + u)];
          for (size_t k = 0; k < input.size(); ++k) {
            z[static_cast<size_t>(gate)] +=
                input[k] * a.kernel[k * 4 * kU + static_cast<size_t>(gate * kU + u)];
          }
        }
        double& c = a.c[static_cast<size_t>(b * kU + u)];
        c = sigmoid(z[2] + 1.0) * keep * c + sigmoid(z[0]) * std::tanh(z[1]);
        y[static_cast<size_t>((b * kS + s) * kU + u)] = sigmoid(z[3]) * std::tanh(c);
      }
      for (int64_t u = 0; u < kU; ++u) {
        a.h[static_cast<size_t>(b * kU + u)] = y[static_cast<size_t>((b * kS + s) * kU + u)];
      }
    }
  }
  return y;
}

class LstmOp : public ::testing::TestWithParam<int> {
 protected:
  core::ThreadPool threads_{GetParam()};
  Backend backend_ = cpu_backend(threads_);
  Tensor x_ = random_tensor({kB, kS, kI}, 1);
  Tensor resets_ = Tensor::from<uint8_t>({kB, kS}, {1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0});
  LstmTensors t_ = {.kernel = random_tensor({kI + kU, 4 * kU}, 2),
                    .bias = random_tensor({4 * kU}, 3),
                    .resets = resets_,
                    .xh = zero_tensor({kB, kS, kI + kU}),
                    .gates = zero_tensor({kB, kS, 4 * kU}),
                    .cell = zero_tensor({kB, kS + 1, kU}),
                    .y = zero_tensor({kB, kS, kU}),
                    .state_h = random_tensor({kB, kU}, 4),
                    .state_c = random_tensor({kB, kU}, 5)};

  [[nodiscard]] Case as_case() const {
    return {.x = to_double(x_),
            .kernel = to_double(t_.kernel),
            .bias = to_double(t_.bias),
            .h = to_double(t_.state_h),
            .c = to_double(t_.state_c),
            .resets = resets_.to_vector<uint8_t>()};
  }
};

TEST_P(LstmOp, EqualsItsEquationsAndCarriesTheStateOn) {
  Case expected = as_case();
  const std::vector<double> y = reference(expected);
  lstm(backend_, x_, t_);
  EXPECT_LT(relative_error(to_double(t_.y), y), 1e-6);
  EXPECT_LT(relative_error(to_double(t_.state_h), expected.h), 1e-6);
  EXPECT_LT(relative_error(to_double(t_.state_c), expected.c), 1e-6);
}

// One step with pre-activations i .5, j -.3, f .2, o 1 and c .4: reference values of the
// literature's cell with forget bias 1.
TEST_P(LstmOp, OneStepGivesTheReferenceNumbers) {
  const LstmTensors t = {.kernel = zero_tensor({2, 4}),
                         .bias = Tensor::from<float>({4}, {0.5F, -0.3F, 0.2F, 1.0F}),
                         .xh = zero_tensor({1, 1, 2}),
                         .gates = zero_tensor({1, 1, 4}),
                         .cell = zero_tensor({1, 2, 1}),
                         .y = zero_tensor({1, 1, 1}),
                         .state_h = zero_tensor({1, 1}),
                         .state_c = Tensor::from<float>({1, 1}, {0.4F})};
  lstm(backend_, zero_tensor({1, 1, 1}), t);
  EXPECT_NEAR(t.state_c.to_vector<float>()[0], 0.126079659, 1e-7);
  EXPECT_NEAR(t.y.to_vector<float>()[0], 0.091686313, 1e-7);
}

TEST_P(LstmOp, GradientsEqualFiniteDifferences) {
  const Case at = as_case();
  const Tensor weights = random_tensor({kB, kS, kU}, 6);
  const std::vector<double> r = to_double(weights);
  const auto loss = [&](Case c) {
    const std::vector<double> y = reference(c);
    double sum = 0.0;
    for (size_t i = 0; i < y.size(); ++i) {
      sum += r[i] * y[i];
    }
    return sum;
  };
  const Tensor grad_kernel = zero_tensor(t_.kernel.shape());
  const Tensor grad_bias = zero_tensor(t_.bias.shape());
  const Tensor grad_x = zero_tensor(x_.shape());
  lstm(backend_, x_, t_);
  tensor::CpuAllocator allocator;
  tensor::Arena scratch(allocator);
  lstm_grad(backend_, weights, t_, {.kernel = grad_kernel, .bias = grad_bias, .x = grad_x},
            scratch);
  const auto numeric = [&](std::vector<double> Case::* member) {
    return tests::numeric_gradient(at.*member, [&](const std::vector<double>& values) {
      Case moved = at;
      moved.*member = values;
      return loss(moved);
    });
  };
  EXPECT_LT(relative_error(to_double(grad_x), numeric(&Case::x)), 1e-5);
  EXPECT_LT(relative_error(to_double(grad_kernel), numeric(&Case::kernel)), 1e-5);
  EXPECT_LT(relative_error(to_double(grad_bias), numeric(&Case::bias)), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Threads, LstmOp, ::testing::Values(1, 2, 5));

}  // namespace
}  // namespace switchyard::ops::nn
