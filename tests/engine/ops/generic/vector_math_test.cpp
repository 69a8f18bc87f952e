#include "ops/generic/vector_math.h"

#include <limits>

#include "ops/generic/pointwise.h"
#include "tests/engine/ops/generic/test_support.h"

namespace switchyard::ops::generic {

namespace {

using tensor::Tensor;

constexpr double kSmallestNormal = std::numeric_limits<float>::min();
constexpr float kInf = std::numeric_limits<float>::infinity();

// Floats of every exponent and sign, infinities, NaN and denormals, and a dense middle.
std::vector<float> probes() {
  std::vector<float> out;
  for (uint64_t bits = 0; bits < (uint64_t{1} << 32U); bits += 18797) {
    out.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  }
  for (int i = -150000; i <= 150000; ++i) {
    out.push_back(static_cast<float>(i) * 1e-3F);
  }
  for (const float v :
       {0.0F, -0.0F, kInf, -kInf, std::nanf(""), 1e-45F, -1e-45F, 88.7228F, 89.0F}) {
    out.push_back(v);
  }
  return out;
}

// Compares y with f(x) in double: relatively, or below the normal numbers in units of a denormal.
template <typename F>
void expect_close(const std::vector<float>& x, const std::vector<float>& y, F f, double tolerance) {
  for (size_t i = 0; i < x.size(); ++i) {
    const double exact = f(static_cast<double>(x[i]));
    const auto rounded = static_cast<float>(exact);
    if (std::isnan(rounded) || std::isinf(rounded)) {
      ASSERT_TRUE(std::isnan(rounded) ? std::isnan(y[i]) : y[i] == rounded)
          << "x = " << x[i] << ", got " << y[i];
      continue;
    }
    const double scale = std::max(std::fabs(exact), kSmallestNormal);
    const double error = std::fabs(static_cast<double>(y[i]) - exact) / scale;
    ASSERT_LE(error, tolerance) << "x = " << x[i] << ", got " << y[i] << " for " << exact;
  }
}

template <typename F, typename G>
void expect_close(F fast, G exact, double tolerance) {
  const std::vector<float> x = probes();
  std::vector<float> y;
  for (const float v : x) {
    y.push_back(fast(v));
  }
  expect_close(x, y, exact, tolerance);
}

double exact_sigmoid(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}
double exact_softplus(double x) {
  return x > 0.0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}
double exact_cdf(double x) {
  return 0.5 * std::erfc(-x / std::sqrt(2.0));
}
double exact_pdf(double x) {
  return std::exp(-0.5 * x * x) / std::sqrt(2.0 * M_PI);
}

class VectorMathKernels : public CpuTest {};

}  // namespace

TEST(VectorMath, ExpIsCloseEverywhere) {
  expect_close([](float v) { return vexp(v); }, [](double v) { return std::exp(v); }, 1.8e-7);
}

TEST(VectorMath, LogIsCloseEverywhere) {
  expect_close([](float v) { return vlog(v); }, [](double v) { return std::log(v); }, 1.8e-7);
}

TEST(VectorMath, TanhIsCloseEverywhere) {
  expect_close([](float v) { return vtanh(v); }, [](double v) { return std::tanh(v); }, 3e-7);
}

TEST(VectorMath, SigmoidIsCloseEverywhere) {
  expect_close([](float v) { return vsigmoid(v); }, exact_sigmoid, 3e-7);
}

TEST(VectorMath, SoftplusIsCloseEverywhere) {
  expect_close([](float v) { return vsoftplus(v); }, exact_softplus, 3e-7);
}

TEST(VectorMath, NormalDensityAndDistributionAreCloseIntoTheirTails) {
  expect_close([](float v) { return vnorm_pdf(v); }, exact_pdf, 4e-7);
  expect_close([](float v) { return vnorm_cdf(v); }, exact_cdf, 6e-7);
}

TEST(VectorMath, SineAndCosineOfTurnsAreClose) {
  for (int i = 0; i < (1 << 20); ++i) {
    const float turns = static_cast<float>(i) * 0x1p-20F;
    const SinCos got = vsincos_turns(turns);
    ASSERT_NEAR(got.sin, std::sin(2.0 * M_PI * static_cast<double>(turns)), 2e-7) << turns;
    ASSERT_NEAR(got.cos, std::cos(2.0 * M_PI * static_cast<double>(turns)), 2e-7) << turns;
  }
}

TEST(VectorMath, KeepsTheSignOfZero) {
  EXPECT_TRUE(std::signbit(vtanh(-0.0F)));
  EXPECT_FALSE(std::signbit(vtanh(0.0F)));
}

// The same functions as the compiler vectorized them.
TEST_F(VectorMathKernels, AreCloseEverywhere) {
  const std::vector<float> x = probes();
  const Tensor from = Tensor::from({static_cast<int64_t>(x.size())}, x);
  const Tensor y = zeros(from.shape());
  const auto check = [&](Unary op, double (*exact)(double), double tolerance) {
    unary(cpu_, op, from, y);
    expect_close(x, y.to_vector<float>(), exact, tolerance);
  };
  check(Unary::kExp, [](double v) { return std::exp(v); }, 1.8e-7);
  check(Unary::kLog, [](double v) { return std::log(v); }, 1.8e-7);
  check(Unary::kTanh, [](double v) { return std::tanh(v); }, 3e-7);
  check(Unary::kSigmoid, exact_sigmoid, 3e-7);
  check(Unary::kSoftplus, exact_softplus, 3e-7);
  check(Unary::kNormCdf, exact_cdf, 6e-7);
  check(Unary::kNormPdf, exact_pdf, 4e-7);
  check(Unary::kSqrt, [](double v) { return std::sqrt(v); }, 1e-7);
  check(Unary::kRsqrt, [](double v) { return 1.0 / std::sqrt(v); }, 2e-7);
  check(Unary::kAbs, [](double v) { return std::fabs(v); }, 0.0);
  check(Unary::kNeg, [](double v) { return -v; }, 0.0);
}

}  // namespace switchyard::ops::generic
