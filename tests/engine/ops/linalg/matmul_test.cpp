#include "ops/linalg/matmul.h"

#include <gtest/gtest.h>

#include "ops/generic/affine.h"
#include "tests/support/error_matcher.h"
#include "tests/support/random_tensor.h"

namespace switchyard::ops::linalg {
namespace {

using tensor::Shape;
using tensor::Tensor;
using tests::random_tensor;
using tests::relative_error;
using tests::to_double;

// c = alpha op(a) op(b) + beta c in double.
std::vector<double> reference(const GemmDims& n, const Tensor& a, const Tensor& b,
                              const Tensor& c) {
  std::vector<double> out = to_double(c);
  const auto* pa = a.data<float>();
  const auto* pb = b.data<float>();
  for (int64_t i = 0; i < n.M; ++i) {
    for (int64_t j = 0; j < n.N; ++j) {
      double sum = 0.0;
      for (int64_t k = 0; k < n.K; ++k) {
        const float x = n.transpose_a == Transpose::kNo ? pa[i * n.K + k] : pa[k * n.M + i];
        const float y = n.transpose_b == Transpose::kNo ? pb[k * n.N + j] : pb[j * n.K + k];
        sum += static_cast<double>(x) * y;
      }
      auto& value = out[static_cast<size_t>(i * n.N + j)];
      value = n.alpha * sum + n.beta * value;
    }
  }
  return out;
}

class Matmul : public ::testing::TestWithParam<int> {
 protected:
  core::ThreadPool threads_{GetParam()};
  tensor::CpuDevice device_{threads_};
  Backend backend_ = backend_on(device_);
  tensor::CpuAllocator allocator_;
};

TEST_P(Matmul, EqualsThePlainLoopsForEveryTranspose) {
  for (const Transpose ta : {Transpose::kNo, Transpose::kYes}) {
    for (const Transpose tb : {Transpose::kNo, Transpose::kYes}) {
      for (const auto& [M, N, K] : {std::array<int64_t, 3>{3, 5, 7},
                                    {130, 257, 65},
                                    {1, 300, 40},
                                    {300, 1, 40},
                                    {257, 190, 33},
                                    {483, 500, 20}}) {
        const GemmDims n = {.M = M,
                            .N = N,
                            .K = K,
                            .transpose_a = ta,
                            .transpose_b = tb,
                            .alpha = 0.5F,
                            .beta = 2.0F};
        const Tensor a = random_tensor(ta == Transpose::kNo ? Shape{M, K} : Shape{K, M}, 1);
        const Tensor b = random_tensor(tb == Transpose::kNo ? Shape{K, N} : Shape{N, K}, 2);
        const Tensor c = random_tensor({M, N}, 3);
        const std::vector<double> expected = reference(n, a, b, c);
        matmul(backend_, ta, tb, 0.5, a, b, 2.0, c);
        EXPECT_LT(relative_error(to_double(c), expected), 1e-6);
      }
    }
  }
}

TEST_P(Matmul, RoundsItsFactorsWhenItComputesInBf16) {
  // 1 + 2^-9 is not a bf16 number, 1 is the nearest.
  const Tensor a = Tensor::from<float>({200, 90}, std::vector<float>(18000, 1.0F + 0x1p-9F));
  const Tensor b = Tensor::from<float>({90, 70}, std::vector<float>(6300, 3.0F));
  const Tensor c = tests::zero_tensor({200, 70});
  backend_.compute = tensor::DType::kBf16;
  matmul(backend_, Transpose::kNo, Transpose::kNo, 1.0, a, b, 0.0, c);
  EXPECT_EQ(c.to_vector<float>(), std::vector<float>(14000, 270.0F));
  const Tensor offsets = Tensor::from<int32_t>({3}, {0, 30, 200});
  const Tensor weight = Tensor::from<float>({2, 90, 70}, std::vector<float>(12600, 3.0F));
  const Tensor rows = tests::zero_tensor({200, 70});
  grouped_matmul(backend_, GroupedMode::kForward, offsets, 1.0, a, weight, 0.0, rows);
  EXPECT_EQ(rows.to_vector<float>(), std::vector<float>(14000, 270.0F));
}

TEST_P(Matmul, DoesNotReadTheOldContentWithBetaZero) {
  const Tensor a = random_tensor({4, 3}, 1);
  const Tensor b = random_tensor({3, 2}, 2);
  const Tensor c = Tensor::from<float>({4, 2}, std::vector<float>(8, std::nanf("")));
  matmul(backend_, Transpose::kNo, Transpose::kNo, 1.0, a, b, 0.0, c);
  for (const float value : c.to_vector<float>()) {
    EXPECT_TRUE(std::isfinite(value));
  }
}

TEST_P(Matmul, WorksOnRowsThatAreFarApart) {
  const Tensor wide = random_tensor({6, 10}, 1);
  const Tensor a = wide.slice(1, 2, 7);
  const Tensor copy = Tensor::from<float>({6, 5}, [&] {
    std::vector<float> values;
    for (int64_t i = 0; i < 6; ++i) {
      for (int64_t j = 2; j < 7; ++j) {
        values.push_back(wide.data<float>()[i * 10 + j]);
      }
    }
    return values;
  }());
  const Tensor b = random_tensor({5, 4}, 2);
  const Tensor c = tests::zero_tensor({6, 4});
  const Tensor d = tests::zero_tensor({6, 4});
  matmul(backend_, Transpose::kNo, Transpose::kNo, 1.0, a, b, 0.0, c);
  matmul(backend_, Transpose::kNo, Transpose::kNo, 1.0, copy, b, 0.0, d);
  EXPECT_EQ(c.to_vector<float>(), d.to_vector<float>());
}

TEST_P(Matmul, RejectsShapesThatDoNotFit) {
  const Tensor a = random_tensor({4, 3}, 1);
  const Tensor b = random_tensor({4, 2}, 2);
  const Tensor c = random_tensor({4, 2}, 3);
  EXPECT_ERROR(matmul(backend_, Transpose::kNo, Transpose::kNo, 1.0, a, b, 0.0, c),
               core::ErrorCode::kInvalidArgument, "[4, 3] x [4, 2] -> [4, 2]");
}

// Groups of 3, 0, 90 and 1 rows.
constexpr int64_t kRows = 94;

Tensor group_offsets() {
  return Tensor::from<int32_t>({5}, {0, 3, 3, 93, 94});
}

// Wide weights are cut into columns, narrow ones into rows.
TEST_P(Matmul, GroupsEqualOneProductEach) {
  for (const auto& [kK, kM] : {std::pair<int64_t, int64_t>{6, 33}, {6, 300}, {200, 95}}) {
    const Tensor offsets = group_offsets();
    const Tensor x = random_tensor({kRows, kK}, 1);
    const Tensor weight = random_tensor({4, kK, kM}, 2);
    const Tensor y = random_tensor({kRows, kM}, 3);
    const Tensor forward = tests::zero_tensor({kRows, kM});
    const Tensor grad_x = tests::zero_tensor({kRows, kK});
    const Tensor grad_weight = random_tensor({4, kK, kM}, 4);
    const Tensor before = Tensor::from<float>(grad_weight.shape(), grad_weight.to_vector<float>());
    grouped_matmul(backend_, GroupedMode::kForward, offsets, 1.0, x, weight, 0.0, forward);
    grouped_matmul(backend_, GroupedMode::kGradInput, offsets, 1.0, y, weight, 0.0, grad_x);
    grouped_matmul(backend_, GroupedMode::kGradWeight, offsets, 1.0, x, y, 1.0, grad_weight);
    const auto* o = offsets.data<int32_t>();
    for (int64_t g = 0; g < 4; ++g) {
      const Tensor xg = x.slice(0, o[g], o[g + 1]);
      const Tensor yg = y.slice(0, o[g], o[g + 1]);
      const int64_t rows = o[g + 1] - o[g];
      const GemmDims fwd = {.M = rows, .N = kM, .K = kK};
      const GemmDims dgrad = {.M = rows, .N = kK, .K = kM, .transpose_b = Transpose::kYes};
      const GemmDims wgrad = {
          .M = kK, .N = kM, .K = rows, .transpose_a = Transpose::kYes, .beta = 1.0F};
      const Tensor w = weight.select(0, g);
      EXPECT_LT(relative_error(to_double(forward.slice(0, o[g], o[g + 1])),
                               reference(fwd, xg, w, tests::zero_tensor({rows, kM}))),
                1e-6);
      EXPECT_LT(relative_error(to_double(grad_x.slice(0, o[g], o[g + 1])),
                               reference(dgrad, yg, w, tests::zero_tensor({rows, kK}))),
                1e-6);
      EXPECT_LT(relative_error(to_double(grad_weight.select(0, g)),
                               reference(wgrad, xg, yg, before.select(0, g))),
                1e-6);
    }
  }
}

TEST_P(Matmul, WeightsOfGroupsMayLieInBf16) {
  constexpr int64_t kK = 70;
  constexpr int64_t kM = 150;
  const Tensor offsets = group_offsets();
  const Tensor x = random_tensor({kRows, kK}, 1);
  const Tensor y = random_tensor({kRows, kM}, 2);
  const Tensor weight = tests::zero_tensor({4, kK, kM});
  const Tensor bf16 = Tensor::zeros(tensor::DType::kBf16, {4, kK, kM}, allocator_);
  generic::affine(backend_, random_tensor({4, kK, kM}, 3), 1.0, 0.0, bf16);
  generic::affine(backend_, bf16, 1.0, 0.0, weight);
  for (const tensor::DType compute : {tensor::DType::kF32, tensor::DType::kBf16}) {
    backend_.compute = compute;
    const auto error = [&](GroupedMode mode, const Tensor& a, int64_t width) {
      const Tensor expected = tests::zero_tensor({kRows, width});
      const Tensor got = tests::zero_tensor({kRows, width});
      grouped_matmul(backend_, mode, offsets, 0.5, a, weight, 0.0, expected);
      grouped_matmul(backend_, mode, offsets, 0.5, a, bf16, 0.0, got);
      return relative_error(to_double(got), to_double(expected));
    };
    EXPECT_LT(error(GroupedMode::kForward, x, kM), 1e-6);
    EXPECT_LT(error(GroupedMode::kGradInput, y, kK), 1e-6);
  }
}

TEST_P(Matmul, GradientsOfWeightsAreF32) {
  const Tensor offsets = Tensor::from<int32_t>({2}, {0, 2});
  const Tensor grad = Tensor::zeros(tensor::DType::kBf16, {1, 3, 2}, allocator_);
  EXPECT_ERROR(grouped_matmul(backend_, GroupedMode::kGradWeight, offsets, 1.0,
                              random_tensor({2, 3}, 2), random_tensor({2, 2}, 3), 0.0, grad),
               core::ErrorCode::kInvalidArgument,
               "gradients of weights must be contiguous f32 [groups, K, M], got bf16");
}

TEST_P(Matmul, ClearsTheWeightGradientOfAnEmptyGroup) {
  const Tensor offsets = Tensor::from<int32_t>({3}, {0, 0, 2});
  const Tensor grad = random_tensor({2, 3, 2}, 1);
  grouped_matmul(backend_, GroupedMode::kGradWeight, offsets, 1.0, random_tensor({2, 3}, 2),
                 random_tensor({2, 2}, 3), 0.0, grad);
  const std::vector<float> first = grad.select(0, 0).to_vector<float>();
  EXPECT_EQ(first, std::vector<float>(6, 0.0F));
}

INSTANTIATE_TEST_SUITE_P(Threads, Matmul, ::testing::Values(1, 2, 3));

}  // namespace
}  // namespace switchyard::ops::linalg
