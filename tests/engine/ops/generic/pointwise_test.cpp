#include "ops/generic/pointwise.h"

#include <limits>

#include "ops/generic/affine.h"
#include "ops/generic/where.h"
#include "tests/engine/ops/generic/test_support.h"

namespace switchyard::ops::generic {

namespace {

using tensor::Bf16;
using tensor::DType;
using tensor::Shape;
using tensor::Tensor;

constexpr float kInf = std::numeric_limits<float>::infinity();

class Pointwise : public CpuTest {
 protected:
  // y = a op b, every element compared with a plain loop over broadcast indices.
  void expect_binary(const Tensor& a, const Tensor& b, const Tensor& y) {
    binary(cpu_, Binary::kSub, a, b, y);
    for (int64_t i = 0; i < y.count(); ++i) {
      ASSERT_EQ(element(y, i), broadcast(a, y, i) - broadcast(b, y, i)) << i;
    }
  }

  static float broadcast(const Tensor& t, const Tensor& y, int64_t index) {
    int64_t offset = 0;
    for (int axis = y.dim() - 1; axis >= 0; --axis) {
      const int own = axis - (y.dim() - t.dim());
      if (own >= 0 && t.size(own) > 1) {
        offset += index % y.size(axis) * t.stride(own);
      }
      index /= y.size(axis);
    }
    return t.data<float>()[offset];
  }
};

}  // namespace

TEST_F(Pointwise, UnaryReadsAndWritesAnyStrides) {
  for (const Tensor& x : strided_views(37, 29, 1)) {
    for (const Tensor& y : strided_views(37, 29, 2)) {
      unary(cpu_, Unary::kNeg, x, y);
      for (int64_t i = 0; i < x.count(); ++i) {
        ASSERT_EQ(element(y, i), -element(x, i));
      }
    }
  }
}

TEST_F(Pointwise, CountsUpInTheOrderOfRows) {
  for (const Tensor& y : strided_views(37, 29, 1)) {
    iota(cpu_, y);
    for (int64_t i = 0; i < y.count(); ++i) {
      ASSERT_EQ(element(y, i), static_cast<float>(i));
    }
  }
  const Tensor many = zeros<int32_t>({3, 20000});
  iota(cpu_, many);
  EXPECT_EQ(many.data<int32_t>()[59999], 59999);
  iota(cpu_, zeros({0}));
  expect_invalid([&] { iota(cpu_, zeros<uint8_t>({2})); }, "iota: y must be f32, got u8");
}

TEST_F(Pointwise, ChoosesByACondition) {
  for (const Tensor& a : strided_views(37, 29, 1)) {
    for (const Tensor& condition : {zeros<uint8_t>({37, 1}), zeros<uint8_t>({37, 29})}) {
      for (int64_t i = 0; i < condition.count(); ++i) {
        condition.data<uint8_t>()[i] = static_cast<uint8_t>(i % 3);
      }
      const Tensor b = random_tensor({29}, 1.0F, 2);
      const Tensor y = zeros({37, 29});
      where(cpu_, condition, a, b, y);
      for (int64_t i = 0; i < y.count(); ++i) {
        const int64_t at = condition.size(1) == 1 ? i / 29 : i;
        ASSERT_EQ(element(y, i), at % 3 != 0 ? element(a, i) : element(b, i % 29)) << i;
      }
    }
  }
}

TEST_F(Pointwise, ChoosesBitForBitAndInPlace) {
  const Tensor x = Tensor::from<float>({3, 1}, {-0.0F, std::nanf(""), 3.0F});
  const Tensor zero = zeros({1});
  where(cpu_, Tensor::from<float>({3, 1}, {0.5F, 0.0F, std::nanf("")}), x, zero, x);
  EXPECT_TRUE(std::signbit(element(x, 0)));
  EXPECT_EQ(element(x, 1), 0.0F);
  EXPECT_EQ(element(x, 2), 3.0F);
  const Tensor ids = Tensor::from<int32_t>({2, 2}, {16777217, 2, 3, 4});  // f32 lacks the first
  where(cpu_, Tensor::from<int32_t>({2, 1}, {-7, 0}), ids, Tensor::from<int32_t>({1}, {-1}), ids);
  EXPECT_EQ(ids.to_vector<int32_t>(), (std::vector<int32_t>{16777217, 2, -1, -1}));
  expect_invalid([&] { where(cpu_, zero, ids, zero, ids); }, "where: b must be i32, got f32");
  expect_invalid([&] { where(cpu_, zeros({3}), zero, zero, zero); },
                 "where: the condition must broadcast to the shape of y");
}

TEST_F(Pointwise, AddsAndMultipliesWholeNumbers) {
  constexpr int32_t kMost = std::numeric_limits<int32_t>::max();
  const Tensor a = Tensor::from<int32_t>({2, 2}, {16777217, -2, kMost, 5});
  const Tensor b = Tensor::from<int32_t>({2}, {1, 3});
  const Tensor y = zeros<int32_t>({2, 2});
  binary(cpu_, Binary::kAdd, a, b, y);
  EXPECT_EQ(y.to_vector<int32_t>(), (std::vector<int32_t>{16777218, 1, -kMost - 1, 8}));
  binary(cpu_, Binary::kMul, a, b, y);
  EXPECT_EQ(y.to_vector<int32_t>(), (std::vector<int32_t>{16777217, -6, kMost, 15}));
  expect_invalid([&] { binary(cpu_, Binary::kSub, a, b, y); }, "binary: a must be f32, got i32");
}

TEST_F(Pointwise, UnaryLeavesWhatLiesBetweenStridesAlone) {
  const Tensor all = random_tensor({50, 40});
  const std::vector<float> before = all.to_vector<float>();
  const Tensor view = all.slice(1, 3, 20);
  unary(cpu_, Unary::kNeg, view, view);
  for (int64_t i = 0; i < all.count(); ++i) {
    const bool inside = i % 40 >= 3 && i % 40 < 20;
    const float old = before[static_cast<size_t>(i)];
    ASSERT_EQ(all.data<float>()[i], inside ? -old : old);
  }
}

TEST_F(Pointwise, BinaryBroadcastsAsNumPyDoes) {
  const Tensor y = zeros({4, 5, 6});
  expect_binary(random_tensor({4, 5, 6}), random_tensor({4, 5, 6}, 1.0F, 2), y);
  expect_binary(random_tensor({4, 5, 6}), random_tensor({6}, 1.0F, 2), y);
  expect_binary(random_tensor({5, 1}), random_tensor({4, 1, 6}, 1.0F, 2), y);
  expect_binary(random_tensor({1}), random_tensor({4, 5, 1}, 1.0F, 2), y);
  expect_binary(Tensor::from(Shape{}, std::vector<float>{2.0F}), random_tensor({4, 1, 1}), y);
  expect_binary(random_tensor({1, 1, 1}), random_tensor({1}), zeros({1, 1, 1}));
}

TEST_F(Pointwise, BinaryBroadcastsStridedViews) {
  for (const Tensor& a : strided_views(130, 150, 1)) {
    for (const Tensor& y : strided_views(130, 150, 2)) {
      expect_binary(a, random_tensor({150}, 1.0F, 3), y);
      expect_binary(a, random_tensor({130, 1}, 1.0F, 3), y);
    }
  }
}

TEST_F(Pointwise, BinaryKnowsEveryOperation) {
  const Tensor a = Tensor::from({4}, std::vector<float>{1.0F, -2.0F, 3.0F, std::nanf("")});
  const Tensor b = Tensor::from({4}, std::vector<float>{2.0F, -2.0F, -1.0F, 1.0F});
  const Tensor y = zeros({4});
  const auto first_three = [&](Binary op) {
    binary(cpu_, op, a, b, y);
    std::vector<float> out = y.to_vector<float>();
    out.pop_back();
    return out;
  };
  EXPECT_EQ(first_three(Binary::kAdd), (std::vector<float>{3, -4, 2}));
  EXPECT_EQ(first_three(Binary::kMul), (std::vector<float>{2, 4, -3}));
  EXPECT_EQ(first_three(Binary::kDiv), (std::vector<float>{0.5F, 1, -3}));
  EXPECT_EQ(first_three(Binary::kMax), (std::vector<float>{2, -2, 3}));
  EXPECT_TRUE(std::isnan(y.data<float>()[3]));
  EXPECT_EQ(first_three(Binary::kMin), (std::vector<float>{1, -2, -1}));
  EXPECT_TRUE(std::isnan(y.data<float>()[3]));
  EXPECT_EQ(first_three(Binary::kLt), (std::vector<float>{1, 0, 0}));
  EXPECT_EQ(first_three(Binary::kGe), (std::vector<float>{0, 1, 1}));
  EXPECT_EQ(y.data<float>()[3], 0.0F);
}

TEST_F(Pointwise, BinaryWorksInPlace) {
  const Tensor a = random_tensor({50000});
  const std::vector<float> before = a.to_vector<float>();
  binary(cpu_, Binary::kAdd, a, a, a);
  for (size_t i = 0; i < before.size(); ++i) {
    ASSERT_EQ(a.data<float>()[i], 2.0F * before[i]);
  }
}

TEST_F(Pointwise, ConvertsToBf16ByRoundingToNearestEven) {
  const std::vector<uint32_t> bits = {0x3F800000, 0x3F808000, 0x3F818000, 0x3F808001, 0x3F807FFF,
                                      0xBF818000, 0x7F7FFFFF, 0x7F800000, 0x80000000, 0x00000001};
  const std::vector<uint16_t> expected = {0x3F80, 0x3F80, 0x3F82, 0x3F81, 0x3F80,
                                          0xBF82, 0x7F80, 0x7F80, 0x8000, 0x0000};
  const auto n = static_cast<int64_t>(bits.size());
  const Tensor x = zeros({n});
  for (int64_t i = 0; i < n; ++i) {
    x.data<float>()[i] = std::bit_cast<float>(bits[static_cast<size_t>(i)]);
  }
  const Tensor y = zeros<Bf16>({n});
  copy(cpu_, x, y);
  for (int64_t i = 0; i < n; ++i) {
    EXPECT_EQ(y.data<Bf16>()[i].bits, expected[static_cast<size_t>(i)]) << i;
  }
  const Tensor nan = Tensor::from({1}, std::vector<float>{std::bit_cast<float>(0x7F800001U)});
  copy(cpu_, nan, y.slice(0, 0, 1));
  EXPECT_GT(y.data<Bf16>()[0].bits & 0x7FFFU, 0x7F80U);  // still NaN
}

TEST_F(Pointwise, ConvertsFromBf16Exactly) {
  const Tensor x = Tensor::from({3}, std::vector<Bf16>{{0x3FC0}, {0xC120}, {0x7F80}});
  const Tensor y = zeros({3});
  copy(cpu_, x, y);
  EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{1.5F, -10.0F, kInf}));
  affine(cpu_, x, 2.0, 1.0, y);
  EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{4.0F, -19.0F, kInf}));
}

TEST_F(Pointwise, ConvertsToI32TowardZeroAndClamps) {
  const Tensor x =
      Tensor::from({6}, std::vector<float>{1.9F, -1.9F, 3e9F, -kInf, std::nanf(""), 16777216.0F});
  const Tensor y = zeros<int32_t>({6});
  copy(cpu_, x, y);
  EXPECT_EQ(y.to_vector<int32_t>(),
            (std::vector<int32_t>{1, -1, 2147483647, -2147483647 - 1, 0, 16777216}));
  const Tensor back = zeros({6});
  affine(cpu_, y, 0.5, 1.0, back);
  EXPECT_EQ(back.data<float>()[0], 1.5F);
}

TEST_F(Pointwise, CopyKeepsEveryBit) {
  const Tensor i32 = Tensor::from({3}, std::vector<int32_t>{2147483647, -5, 16777217});
  const Tensor i32_out = zeros<int32_t>({3});
  copy(cpu_, i32, i32_out);
  EXPECT_EQ(i32_out.to_vector<int32_t>(), i32.to_vector<int32_t>());
  for (const Tensor& x : strided_views(9, 11, 4)) {
    element(x, 0) = -0.0F;
    for (const Tensor& y : strided_views(9, 11, 5)) {
      copy(cpu_, x, y);
      EXPECT_TRUE(same_bits(x, y));
    }
  }
}

TEST_F(Pointwise, AffineMakesNumbersOfAMask) {
  const Tensor mask = Tensor::from({3}, std::vector<uint8_t>{1, 0, 255});
  const Tensor y = zeros({3});
  affine(cpu_, mask, 2.0, 1.0, y);
  EXPECT_EQ(values_of(y), (std::vector<float>{3.0F, 1.0F, 511.0F}));
}

TEST_F(Pointwise, AffineScalesAndShifts) {
  const Tensor x = random_tensor({123, 457});
  const Tensor y = zeros({123, 457});
  affine(cpu_, x, -2.5, 0.75, y);
  for (int64_t i = 0; i < x.count(); ++i) {
    ASSERT_NEAR(element(y, i), -2.5 * static_cast<double>(element(x, i)) + 0.75, 1e-6);
  }
}

TEST_F(Pointwise, ActivationsMatchTheirFormulas) {
  const Tensor x = random_tensor({3001}, 3.0F);
  const Tensor y = zeros({3001});
  const auto check = [&](Activation kind, double (*f)(double)) {
    act(cpu_, kind, x, y);
    for (int64_t i = 0; i < x.count(); ++i) {
      ASSERT_NEAR(element(y, i), f(static_cast<double>(element(x, i))), 2e-6)
          << static_cast<int>(kind);
    }
  };
  check(Activation::kRelu, [](double v) { return v > 0.0 ? v : 0.0; });
  check(Activation::kGelu, [](double v) { return 0.5 * v * std::erfc(-v / std::sqrt(2.0)); });
  check(Activation::kSilu, [](double v) { return v / (1.0 + std::exp(-v)); });
  check(Activation::kTanh, [](double v) { return std::tanh(v); });
  check(Activation::kSigmoid, [](double v) { return 1.0 / (1.0 + std::exp(-v)); });
}

TEST_F(Pointwise, ActivationGradientsMatchFiniteDifferences) {
  constexpr float kStep = 0x1p-6F;
  const Tensor x = random_tensor({2000}, 2.0F);
  const Tensor dy = random_tensor({2000}, 1.0F, 2);
  const Tensor left = zeros({2000});
  const Tensor right = zeros({2000});
  const Tensor dx = zeros({2000});
  for (const Activation kind : {Activation::kRelu, Activation::kGelu, Activation::kSilu,
                                Activation::kTanh, Activation::kSigmoid}) {
    affine(cpu_, x, 1.0, -kStep, left);
    affine(cpu_, x, 1.0, kStep, right);
    act(cpu_, kind, left, left);
    act(cpu_, kind, right, right);
    act_grad(cpu_, kind, x, dy, dx);
    for (int64_t i = 0; i < x.count(); ++i) {
      if (std::fabs(element(x, i)) > kStep) {
        const float slope = (element(right, i) - element(left, i)) / (2.0F * kStep);
        ASSERT_NEAR(element(dx, i), slope * element(dy, i), 3e-4) << element(x, i);
      }
    }
  }
}

TEST_F(Pointwise, ReluGradientTakesItsOutputToo) {
  const Tensor x = random_tensor({1000});
  const Tensor dy = random_tensor({1000}, 1.0F, 2);
  const Tensor y = zeros({1000});
  const Tensor from_x = zeros({1000});
  const Tensor from_y = zeros({1000});
  act(cpu_, Activation::kRelu, x, y);
  act_grad(cpu_, Activation::kRelu, x, dy, from_x);
  act_grad(cpu_, Activation::kRelu, y, dy, from_y);
  EXPECT_TRUE(same_bits(from_x, from_y));
}

TEST_F(Pointwise, FillWritesEveryTypeAndStride) {
  for (const Tensor& y : strided_views(40, 17, 3)) {
    fill(cpu_, 2.5, y);
    for (int64_t i = 0; i < y.count(); ++i) {
      ASSERT_EQ(element(y, i), 2.5F);
    }
  }
  const Tensor i32 = zeros<int32_t>({5});
  fill(cpu_, -7.0, i32);
  EXPECT_EQ(i32.to_vector<int32_t>(), std::vector<int32_t>(5, -7));
  const Tensor bf16 = zeros<Bf16>({2});
  fill(cpu_, 1.0, bf16);
  EXPECT_EQ(bf16.data<Bf16>()[1].bits, 0x3F80);
}

TEST_F(Pointwise, EmptyTensorsAreLeftAlone) {
  const Tensor empty = zeros({0, 4});
  EXPECT_NO_THROW(unary(cpu_, Unary::kExp, empty, empty));
  EXPECT_NO_THROW(binary(cpu_, Binary::kAdd, empty, zeros({4}), empty));
  EXPECT_NO_THROW(affine(cpu_, empty, 2.0, 1.0, empty));
  EXPECT_NO_THROW(fill(cpu_, 1.0, empty));
  EXPECT_NO_THROW(act_grad(cpu_, Activation::kGelu, empty, empty, empty));
}

TEST_F(Pointwise, ResultsDoNotDependOnTheNumberOfThreads) {
  const Tensor x = random_tensor({333, 517}, 2.0F);
  expect_same_for_any_threads([&](const Backend& backend) {
    const Tensor y = zeros({333, 517});
    act(backend, Activation::kGelu, x, y);
    return y;
  });
}

TEST_F(Pointwise, SaysWhatDoesNotFit) {
  const Tensor x = zeros({2, 3});
  expect_invalid([&] { unary(cpu_, Unary::kExp, x, zeros({3, 2})); }, "must have the shape of x");
  expect_invalid([&] { unary(cpu_, Unary::kExp, Tensor(), x); }, "undefined");
  expect_invalid([&] { unary(cpu_, static_cast<Unary>(99), x, x); }, "no operation number 99");
  expect_invalid([&] { binary(cpu_, Binary::kAdd, zeros({4}), x, x); }, "a must broadcast");
  expect_invalid([&] { binary(cpu_, Binary::kAdd, x, zeros({1, 2, 3}), x); }, "b must broadcast");
  expect_invalid([&] { act(cpu_, Activation::kRelu, zeros<int32_t>({2, 3}), x); }, "must be f32");
  expect_invalid([&] { affine(cpu_, zeros<int64_t>({2, 3}), 1.0, 0.0, x); }, "f32, i32 or bf16");
  float value = 0.0F;
  const Tensor other = Tensor::borrow(&value, DType::kF32, {1}, tensor::DeviceType::kCuda);
  expect_invalid([&] { fill(cpu_, 1.0, other); }, "must be on cpu");
}

TEST_F(Pointwise, NamesAnOpThatADeviceDoesNotHave) {
  const KernelTable nothing{};
  const Backend bare{.stream = cpu_.stream, .kernels = &nothing};
  try {
    fill(bare, 1.0, zeros({1}));
    FAIL();
  } catch (const core::Error& error) {
    EXPECT_EQ(error.code(), core::ErrorCode::kUnsupported);
  }
}

}  // namespace switchyard::ops::generic
