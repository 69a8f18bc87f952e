#include "ops/nn/lstm.h"

#include <limits>

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

constexpr int64_t kS = 4;
constexpr int64_t kI = 5;
constexpr int64_t kU = 4;

double sigmoid(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}

struct Case {
  std::vector<double> x, kernel, bias, projection, m, c;
  std::vector<uint8_t> resets;
  int64_t num_streams = 0;
  int64_t num_outputs = kU;
  double forget_bias = 1.0;
};

// m = h W_P, or h where there is no projection.
std::vector<double> projected(const Case& a, const std::vector<double>& h) {
  if (a.projection.empty()) {
    return h;
  }
  std::vector<double> m(static_cast<size_t>(a.num_outputs), 0.0);
  for (size_t p = 0; p < m.size(); ++p) {
    for (size_t u = 0; u < h.size(); ++u) {
      m[p] += h[u] * a.projection[u * m.size() + p];
    }
  }
  return m;
}

// The equations of lstm.h, one stream and one unit at a time. Returns y and leaves the state in m,
// c.
std::vector<double> reference(Case& a) {
  const int64_t P = a.num_outputs;
  std::vector<double> y;
  for (int64_t b = 0; b < a.num_streams; ++b) {
    for (int64_t s = 0; s < kS; ++s) {
      std::vector<double> input(a.x.begin() + (b * kS + s) * kI,
                                a.x.begin() + (b * kS + s + 1) * kI);
      const double keep = a.resets[static_cast<size_t>(b * kS + s)] != 0 ? 0.0 : 1.0;
      for (int64_t p = 0; p < P; ++p) {
        input.push_back(keep * a.m[static_cast<size_t>(b * P + p)]);
      }
      std::vector<double> h(kU);
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
        c = sigmoid(z[2] + a.forget_bias) * keep * c + sigmoid(z[0]) * std::tanh(z[1]);
        h[static_cast<size_t>(u)] = sigmoid(z[3]) * std::tanh(c);
      }
      const std::vector<double> m = projected(a, h);
      std::copy(m.begin(), m.end(), a.m.begin() + b * P);
      y.insert(y.end(), m.begin(), m.end());
    }
  }
  return y;
}

struct Setting {
  int threads;
  int64_t num_streams;
  int64_t num_outputs;  // of a projection; kU: none
  float forget_bias = 1.0F;
};

std::ostream& operator<<(std::ostream& out, const Setting& s) {
  return out << s.threads << " threads, " << s.num_streams << " streams, " << s.num_outputs
             << " outputs";
}

// Of the first step, of none, of two in a row, of single ones: whichever streams there are.
Tensor some_resets(int64_t num_streams) {
  const std::vector<uint8_t> rows = {1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0};
  std::vector<uint8_t> resets;
  for (int64_t i = 0; i < num_streams * kS; ++i) {
    resets.push_back(rows[static_cast<size_t>(i) % rows.size()]);
  }
  return Tensor::from<uint8_t>({num_streams, kS}, resets);
}

class LstmOp : public ::testing::TestWithParam<Setting> {
 protected:
  int64_t B_ = GetParam().num_streams;
  int64_t P_ = GetParam().num_outputs;
  bool is_projected_ = P_ != kU;
  core::ThreadPool threads_{GetParam().threads};
  tensor::CpuDevice device_{threads_};
  Backend backend_ = backend_on(device_);
  Tensor x_ = random_tensor({B_, kS, kI}, 1);
  Tensor resets_ = some_resets(B_);
  LstmTensors t_ = {.kernel = random_tensor({kI + P_, 4 * kU}, 2),
                    .bias = random_tensor({4 * kU}, 3),
                    .projection = is_projected_ ? random_tensor({kU, P_}, 7) : Tensor(),
                    .resets = resets_,
                    .xm = zero_tensor({kS, B_, kI + P_}),
                    .gates = zero_tensor({kS, B_, 4 * kU}),
                    .cell = zero_tensor({kS + 1, B_, kU}),
                    .hidden = is_projected_ ? zero_tensor({kS, B_, kU}) : Tensor(),
                    .y = zero_tensor({B_, kS, P_}),
                    .state_m = random_tensor({B_, P_}, 4),
                    .state_c = random_tensor({B_, kU}, 5),
                    .forget_bias = GetParam().forget_bias};
  tensor::CpuAllocator allocator_;
  tensor::Arena scratch_{allocator_};

  [[nodiscard]] Case as_case() const {
    return {.x = to_double(x_),
            .kernel = to_double(t_.kernel),
            .bias = to_double(t_.bias),
            .projection = is_projected_ ? to_double(t_.projection) : std::vector<double>(),
            .m = to_double(t_.state_m),
            .c = to_double(t_.state_c),
            .resets = resets_.to_vector<uint8_t>(),
            .num_streams = B_,
            .num_outputs = P_,
            .forget_bias = GetParam().forget_bias};
  }
};

TEST_P(LstmOp, EqualsItsEquationsAndCarriesTheStateOn) {
  Case expected = as_case();
  const std::vector<double> y = reference(expected);
  lstm(backend_, x_, t_, scratch_);
  EXPECT_LT(relative_error(to_double(t_.y), y), 1e-6);
  EXPECT_LT(relative_error(to_double(t_.state_m), expected.m), 1e-6);
  EXPECT_LT(relative_error(to_double(t_.state_c), expected.c), 1e-6);
}

TEST_P(LstmOp, ComputesNearlyTheSameInBf16) {
  Case expected = as_case();
  const std::vector<double> y = reference(expected);
  backend_.compute = tensor::DType::kBf16;
  lstm(backend_, x_, t_, scratch_);
  const double error = relative_error(to_double(t_.y), y);
  EXPECT_LT(error, 2e-2);
  EXPECT_GT(error, 1e-5);  // the factors were rounded
}

// One step with pre-activations i .5, j -.3, f .2, o 1 and c .4: reference values of the
// literature's cell with forget bias 1.
TEST_P(LstmOp, OneStepGivesTheReferenceNumbers) {
  const LstmTensors t = {.kernel = zero_tensor({2, 4}),
                         .bias = Tensor::from<float>({4}, {0.5F, -0.3F, 0.2F, 1.0F}),
                         .xm = zero_tensor({1, 1, 2}),
                         .gates = zero_tensor({1, 1, 4}),
                         .cell = zero_tensor({2, 1, 1}),
                         .y = zero_tensor({1, 1, 1}),
                         .state_m = zero_tensor({1, 1}),
                         .state_c = Tensor::from<float>({1, 1}, {0.4F})};
  lstm(backend_, zero_tensor({1, 1, 1}), t, scratch_);
  EXPECT_NEAR(t.state_c.to_vector<float>()[0], 0.126079659, 1e-7);
  EXPECT_NEAR(t.y.to_vector<float>()[0], 0.091686313, 1e-7);
}

TEST_P(LstmOp, GradientsEqualFiniteDifferences) {
  const Case at = as_case();
  const Tensor weights = random_tensor({B_, kS, P_}, 6);
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
  const Tensor grad_projection = is_projected_ ? zero_tensor({kU, P_}) : Tensor();
  const Tensor grad_x = zero_tensor(x_.shape());
  lstm(backend_, x_, t_, scratch_);
  lstm_grad(backend_, weights, t_,
            {.kernel = grad_kernel, .bias = grad_bias, .projection = grad_projection, .x = grad_x},
            scratch_);
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
  if (is_projected_) {
    EXPECT_LT(relative_error(to_double(grad_projection), numeric(&Case::projection)), 1e-5);
  }
}

TEST_P(LstmOp, WritesOverGradientsThatDoNotCount) {
  const auto gradients = [&](float content, float beta) {
    t_.state_m = random_tensor({B_, P_}, 4);
    t_.state_c = random_tensor({B_, kU}, 5);
    const auto filled = [&](const Tensor& like) {
      return Tensor::from<float>(like.shape(),
                                 std::vector<float>(static_cast<size_t>(like.count()), content));
    };
    const LstmGrads grads = {.kernel = filled(t_.kernel),
                             .bias = zero_tensor(t_.bias.shape()),
                             .projection = is_projected_ ? filled(t_.projection) : Tensor(),
                             .x = zero_tensor(x_.shape()),
                             .kernel_beta = beta,
                             .projection_beta = beta};
    lstm(backend_, x_, t_, scratch_);
    lstm_grad(backend_, random_tensor({B_, kS, P_}, 6), t_, grads, scratch_);
    std::vector<float> all = grads.kernel.to_vector<float>();
    if (is_projected_) {
      const std::vector<float> more = grads.projection.to_vector<float>();
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  };
  EXPECT_EQ(gradients(std::numeric_limits<float>::quiet_NaN(), 0.0F), gradients(0.0F, 1.0F));
}

TEST(LstmOpErrors, UnitsThatAreNotOutputsNeedAProjection) {
  core::ThreadPool threads(1);
  tensor::CpuDevice device{threads};
  const LstmTensors t = {.kernel = zero_tensor({4, 12}),
                         .bias = zero_tensor({12}),
                         .state_m = zero_tensor({1, 2}),
                         .state_c = zero_tensor({1, 3})};
  tensor::CpuAllocator allocator;
  tensor::Arena scratch(allocator);
  EXPECT_ERROR(lstm(backend_on(device), zero_tensor({1, 1, 2}), t, scratch),
               core::ErrorCode::kInvalidArgument,
               "without a projection 3 units must give as many outputs, got 2");
}

// Few streams per thread, and enough of them that x is multiplied within the steps.
INSTANTIATE_TEST_SUITE_P(ThreadsAndOutputs, LstmOp,
                         ::testing::Values(Setting{1, 3, kU}, Setting{2, 3, kU}, Setting{5, 3, kU},
                                           Setting{1, 3, 3}, Setting{2, 3, 3, 0.25F},
                                           Setting{5, 3, 2, 0.0F}, Setting{1, 13, kU},
                                           Setting{2, 27, kU}, Setting{2, 25, 3, 0.25F}));

}  // namespace
}  // namespace switchyard::ops::nn
