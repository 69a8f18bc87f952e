#include "ops/generic/reduce.h"

#include <limits>

#include "ops/generic/affine.h"
#include "ops/generic/pointwise.h"
#include "ops/generic/softmax.h"
#include "ops/generic/squared_variation.h"
#include "tests/engine/ops/generic/test_support.h"

namespace switchyard::ops::generic {

namespace {

using tensor::Shape;
using tensor::Tensor;

constexpr float kInf = std::numeric_limits<float>::infinity();

// The reduction of one list of numbers, in plain code.
double reduce_list(Reduction op, const std::vector<double>& values) {
  double result = op == Reduction::kMax ? -std::numeric_limits<double>::infinity() : 0.0;
  for (const double v : values) {
    if (op == Reduction::kMax) {
      result = std::max(result, v);
    } else {
      result += op == Reduction::kSumSq ? v * v : v;
    }
  }
  return op == Reduction::kMean ? result / static_cast<double>(values.size()) : result;
}

class Reduce : public CpuTest {
 protected:
  // Compares reduce() with a loop over all indices.
  void expect_reduced(const Tensor& x, int axis, const Shape& shape) {
    for (const Reduction op :
         {Reduction::kSum, Reduction::kMean, Reduction::kMax, Reduction::kSumSq}) {
      const Tensor y = random_tensor(shape, 1.0F, 9);
      const std::vector<float> old = y.to_vector<float>();
      reduce(cpu_, op, x, axis, 0.5, y);
      int64_t after = 1;
      for (int i = axis + 1; i < x.dim(); ++i) {
        after *= x.size(i);
      }
      for (int64_t i = 0; i < y.count(); ++i) {
        std::vector<double> list;
        for (int64_t k = 0; k < x.size(axis); ++k) {
          list.push_back(
              static_cast<double>(element(x, (i / after * x.size(axis) + k) * after + i % after)));
        }
        const double expected =
            reduce_list(op, list) + 0.5 * static_cast<double>(old[static_cast<size_t>(i)]);
        ASSERT_NEAR(element(y, i), expected, 1e-6 * (1.0 + std::fabs(expected)))
            << "axis " << axis << " op " << static_cast<int>(op);
      }
    }
  }
};

}  // namespace

double sum_of_squares(const Backend& backend, const Tensor& x) {
  const Tensor sum = Tensor::from<double>({1}, {0.5});
  add_sum_of_squares(backend, x, sum);
  return sum.to_vector<double>()[0] - 0.5;
}

TEST_F(Reduce, EveryAxisMatchesAPlainLoop) {
  const Tensor x = random_tensor({5, 37, 300});
  expect_reduced(x, 0, {37, 300});
  expect_reduced(x, 1, {5, 300});
  expect_reduced(x, 2, {5, 37});
}

TEST_F(Reduce, EveryAxisOfStridedViewsMatchesAPlainLoop) {
  for (const Tensor& x : strided_views(70, 45, 1)) {
    expect_reduced(x, 0, {45});
    expect_reduced(x, 1, {70});
  }
}

TEST_F(Reduce, AnAxisOfAVectorGivesOneNumber) {
  expect_reduced(random_tensor({1000}), 0, {1});
  expect_reduced(random_tensor({1000}), 0, {});
}

TEST_F(Reduce, AllElementsOfAnyStrides) {
  for (const Tensor& x : strided_views(301, 203, 1)) {
    std::vector<double> list;
    for (const float v : values_of(x)) {
      list.push_back(static_cast<double>(v));
    }
    const Tensor y = zeros({1});
    for (const Reduction op :
         {Reduction::kSum, Reduction::kMean, Reduction::kMax, Reduction::kSumSq}) {
      reduce(cpu_, op, x, -1, 0.0, y);
      const double expected = reduce_list(op, list);
      EXPECT_NEAR(element(y, 0), expected, 1e-6 * (1.0 + std::fabs(expected)));
    }
    const double squares = reduce_list(Reduction::kSumSq, list);
    EXPECT_NEAR(sum_of_squares(cpu_, x), squares, 1e-12 * squares);
  }
}

TEST_F(Reduce, WithBetaZeroTheOldContentIsNotRead) {
  const Tensor y = Tensor::from({2}, std::vector<float>{std::nanf(""), kInf});
  reduce(cpu_, Reduction::kSum, Tensor::from({2, 2}, std::vector<float>{1, 2, 3, 4}), 1, 0.0, y);
  EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{3, 7}));
}

TEST_F(Reduce, NothingSumsToZero) {
  const Tensor y = random_tensor({3});
  reduce(cpu_, Reduction::kSum, zeros({3, 0}), 1, 0.0, y);
  EXPECT_EQ(y.to_vector<float>(), std::vector<float>(3, 0.0F));
  reduce(cpu_, Reduction::kMax, zeros({0, 3}), 0, 0.0, y);
  EXPECT_EQ(y.to_vector<float>(), std::vector<float>(3, -kInf));
  reduce(cpu_, Reduction::kSum, zeros({3, 0}), 0, 0.0, zeros({0}));
  EXPECT_EQ(sum_of_squares(cpu_, zeros({0})), 0.0);
}

TEST_F(Reduce, MaximumOfNaNIsNaN) {
  for (const int64_t place : {0, 7, 18, 40}) {
    const Tensor x = random_tensor({41});
    element(x, place) = std::nanf("");
    const Tensor y = zeros({1});
    reduce(cpu_, Reduction::kMax, x, -1, 0.0, y);
    EXPECT_TRUE(std::isnan(element(y, 0))) << place;
  }
}

TEST_F(Reduce, SumsDoNotDependOnTheNumberOfThreads) {
  const Tensor x = random_tensor({700, 301});
  for (const int axis : {-1, 0, 1}) {
    expect_same_for_any_threads([&](const Backend& backend) {
      const Tensor y = zeros(axis == -1 ? Shape{1} : Shape{x.size(1 - axis)});
      reduce(backend, Reduction::kSumSq, x, axis, 0.0, y);
      return y;
    });
  }
  core::ThreadPool one(1);
  tensor::CpuDevice on_one{one};
  core::ThreadPool three(3);
  tensor::CpuDevice on_three{three};
  EXPECT_EQ(sum_of_squares(backend_on(on_one), x), sum_of_squares(backend_on(on_three), x));
}

TEST_F(Reduce, SumsOfManyNumbersStayExactEnough) {
  const Tensor x = zeros({3000000});
  for (int64_t i = 0; i < x.count(); ++i) {
    x.data<float>()[i] = 0.1F;
  }
  const Tensor y = zeros({1});
  reduce(cpu_, Reduction::kSum, x, -1, 0.0, y);
  EXPECT_NEAR(element(y, 0), 3e6 * static_cast<double>(0.1F), 0.05);
}

TEST_F(Reduce, CountsNaNAndInfinities) {
  const Tensor x = random_tensor({300, 301});
  element(x, 5) = std::nanf("");
  element(x, 60000) = kInf;
  element(x, 90299) = -kInf;
  element(x, 77) = std::numeric_limits<float>::max();
  const Tensor n = Tensor::from({1}, std::vector<int32_t>{10});
  count_nonfinite(cpu_, x, n);
  EXPECT_EQ(n.data<int32_t>()[0], 13);
  count_nonfinite(cpu_, x.slice(1, 0, 5), n);
  EXPECT_EQ(n.data<int32_t>()[0], 13);
}

TEST_F(Reduce, SaysWhatDoesNotFit) {
  const Tensor x = zeros({2, 3});
  expect_invalid([&] { reduce(cpu_, Reduction::kSum, x, 2, 0.0, zeros({2})); }, "axis must be");
  expect_invalid([&] { reduce(cpu_, Reduction::kSum, x, 1, 0.0, zeros({3})); }, "without axis 1");
  expect_invalid([&] { reduce(cpu_, Reduction::kSum, x, -1, 0.0, zeros({3})); }, "one element");
  expect_invalid([&] { count_nonfinite(cpu_, x, zeros({1})); }, "n must be i32");
  expect_invalid([&] { softmax(cpu_, x, zeros({3, 2})); }, "must have the shape of x");
  expect_invalid([&] { softmax(cpu_, zeros({}), zeros({})); }, "must have an axis");
}

TEST_F(Reduce, SoftmaxMatchesAPlainLoop) {
  for (const Tensor& x : strided_views(35, 53, 1)) {
    element(x, 3) = 200.0F;
    for (const Tensor& y : strided_views(35, 53, 2)) {
      softmax(cpu_, x, y);
      for (int64_t t = 0; t < 35; ++t) {
        double sum = 0.0;
        double top = -1e30;
        for (int64_t i = 0; i < 53; ++i) {
          top = std::max(top, static_cast<double>(element(x, t * 53 + i)));
        }
        for (int64_t i = 0; i < 53; ++i) {
          sum += std::exp(static_cast<double>(element(x, t * 53 + i)) - top);
        }
        for (int64_t i = 0; i < 53; ++i) {
          const double expected = std::exp(static_cast<double>(element(x, t * 53 + i)) - top) / sum;
          ASSERT_NEAR(element(y, t * 53 + i), expected, 4e-7);
        }
      }
    }
  }
}

TEST_F(Reduce, SoftmaxOfThreeDimensionsWorksInPlace) {
  const Tensor x = random_tensor({3, 4, 17});
  const Tensor y = zeros({3, 4, 17});
  softmax(cpu_, x, y);
  softmax(cpu_, x, x);
  EXPECT_TRUE(same_bits(x, y));
}

TEST_F(Reduce, SoftmaxOfARowOfMinusInfinityIsZero) {
  const Tensor x = Tensor::from({2, 3}, std::vector<float>{-kInf, -kInf, -kInf, -kInf, 1, -kInf});
  softmax(cpu_, x, x);
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{0, 0, 0, 0, 1, 0}));
  softmax(cpu_, zeros({3, 0}), zeros({3, 0}));
}

TEST_F(Reduce, SoftmaxSpreadsNaN) {
  const Tensor x = Tensor::from({1, 2}, std::vector<float>{std::nanf(""), 1.0F});
  softmax(cpu_, x, x);
  EXPECT_TRUE(std::isnan(element(x, 0)) && std::isnan(element(x, 1)));
}

TEST_F(Reduce, SoftmaxGradientMatchesItsFormula) {
  for (const Tensor& y : strided_views(21, 39, 1)) {
    const Tensor dy = random_tensor({21, 39}, 1.0F, 5);
    for (const Tensor& dx : strided_views(21, 39, 6)) {
      softmax_grad(cpu_, y, dy, dx);
      for (int64_t t = 0; t < 21; ++t) {
        double dot = 0.0;
        for (int64_t i = t * 39; i < (t + 1) * 39; ++i) {
          dot += static_cast<double>(element(y, i)) * static_cast<double>(element(dy, i));
        }
        for (int64_t i = t * 39; i < (t + 1) * 39; ++i) {
          ASSERT_NEAR(
              element(dx, i),
              static_cast<double>(element(y, i)) * (static_cast<double>(element(dy, i)) - dot),
              2e-5);
        }
      }
    }
  }
}

namespace {

// CV^2 and its gradient of single ops, as a balance loss was made of them.
struct Variation {
  Tensor loss = zeros({1});
  Tensor gradient;
};

Variation variation_of_single_ops(const Backend& on, const Tensor& x, double weight,
                                  const Tensor& dy) {
  const auto n = static_cast<double>(x.count());
  Variation v{.gradient = zeros(x.shape())};
  const Tensor mean = zeros({1});
  const Tensor square = zeros({1});
  const Tensor value = zeros({1});
  const Tensor factor = zeros({1});
  reduce(on, Reduction::kMean, x, -1, 0.0, mean);
  binary(on, Binary::kSub, x, mean, v.gradient);
  binary(on, Binary::kMul, mean, mean, square);
  binary(on, Binary::kMax, square, Tensor::from<float>({1}, {1e-30F}), square);
  reduce(on, Reduction::kSumSq, v.gradient, -1, 0.0, value);
  affine(on, value, 1.0 / n, 0.0, value);
  binary(on, Binary::kDiv, value, square, value);
  affine(on, dy, 2.0 * weight / n, 0.0, factor);
  binary(on, Binary::kDiv, factor, square, factor);
  binary(on, Binary::kMul, mean, value, mean);
  binary(on, Binary::kSub, v.gradient, mean, v.gradient);
  binary(on, Binary::kMul, v.gradient, factor, v.gradient);
  affine(on, value, weight, 0.0, value);
  binary(on, Binary::kAdd, v.loss, value, v.loss);
  return v;
}

}  // namespace

TEST_F(Reduce, SquaredVariationHasTheBitsOfSingleOps) {
  const Tensor dy = Tensor::from<float>({1}, {0.7F});
  for (const int64_t n : {1, 4, 15, 16, 33, 1000, 1025, 5000, 40000}) {
    const Tensor x = random_tensor({n}, 3.0F);
    affine(cpu_, x, 1.0, 5.0, x);
    const Tensor loss = zeros({1});
    const Tensor gradient = zeros({n});
    squared_variation(cpu_, x, 0.3, loss);
    squared_variation_grad(cpu_, x, 0.3, dy, gradient);
    const Variation expected = variation_of_single_ops(cpu_, x, 0.3, dy);
    EXPECT_TRUE(same_bits(loss, expected.loss)) << n;
    EXPECT_TRUE(same_bits(gradient, expected.gradient)) << n;
    squared_variation_grad(cpu_, x, 0.3, dy, x);
    EXPECT_TRUE(same_bits(x, expected.gradient)) << n << " in place";
  }
}

// CV^2([1, 2, 3, 4]) = 0.2 with the gradient [-0.16, -0.08, 0, 0.08].
TEST_F(Reduce, SquaredVariationGivesTheClosedForms) {
  const Tensor x = Tensor::from<float>({4}, {1, 2, 3, 4});
  const Tensor y = Tensor::from<float>({1}, {10.0F});
  const Tensor dx = zeros({4});
  squared_variation(cpu_, x, 2.0, y);
  EXPECT_NEAR(element(y, 0), 10.4F, 1e-6);
  squared_variation_grad(cpu_, x, 1.0, Tensor::from<float>({1}, {1.0F}), dx);
  EXPECT_NEAR(element(dx, 0), -0.16F, 1e-7);
  EXPECT_NEAR(element(dx, 2), 0.0F, 1e-7);
  squared_variation(cpu_, zeros({3}), 1.0, y);
  EXPECT_NEAR(element(y, 0), 10.4F, 1e-6);
  expect_invalid([&] { squared_variation(cpu_, zeros({0}), 1.0, y); }, "n at least 1");
  expect_invalid([&] { squared_variation(cpu_, x, 1.0, x); }, "y must have one element");
  expect_invalid([&] { squared_variation_grad(cpu_, x, 1.0, x, dx); }, "dy must have one element");
}

}  // namespace switchyard::ops::generic
