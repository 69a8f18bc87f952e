#include "ops/linalg/multiplier.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace switchyard::ops::linalg {
namespace {

using tensor::DType;

constexpr float kUntouched = 12345.0F;

// Rounded to 8 significant bits, ties to even, by arithmetic instead of bits.
double rounded(float value, DType compute) {
  if (compute == DType::kF32 || value == 0.0F) {
    return value;
  }
  int exponent = 0;
  const double mantissa = std::frexp(static_cast<double>(value), &exponent);
  return std::ldexp(std::nearbyint(std::ldexp(mantissa, 8)), exponent - 8);
}

// A matrix with a few unused elements behind every row.
struct Matrix {
  Matrix(int64_t rows, int64_t columns, uint32_t seed, int64_t gap = 3)
      : stride(columns + gap), values(static_cast<size_t>(rows * stride), kUntouched) {
    uint32_t state = seed * 2654435761U + 1U;
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < columns; ++c) {
        state = state * 1664525U + 1013904223U;
        values[static_cast<size_t>(r * stride + c)] =
            static_cast<float>(static_cast<int32_t>(state)) / 2147483648.0F;
      }
    }
  }
  [[nodiscard]] float at(int64_t r, int64_t c) const {
    return values[static_cast<size_t>(r * stride + c)];
  }
  [[nodiscard]] MatrixView view() const { return {.data = values.data(), .stride = stride}; }
  [[nodiscard]] std::vector<uint16_t> bf16_bits() const {
    std::vector<uint16_t> bits;
    for (const float value : values) {
      const auto nearest = static_cast<float>(rounded(value, DType::kBf16));
      bits.push_back(static_cast<uint16_t>(std::bit_cast<uint32_t>(nearest) >> 16U));
    }
    return bits;
  }

  int64_t stride;
  std::vector<float> values;
};

struct Case {
  GemmDims n;
  Matrix a;
  Matrix b;
  Matrix c;

  explicit Case(const GemmDims& dims)
      : n(dims),
        a(dims.transpose_a == Transpose::kNo ? dims.M : dims.K,
          dims.transpose_a == Transpose::kNo ? dims.K : dims.M, 1),
        b(dims.transpose_b == Transpose::kNo ? dims.K : dims.N,
          dims.transpose_b == Transpose::kNo ? dims.N : dims.K, 2),
        c(dims.M, dims.N, 3) {}

  [[nodiscard]] MatrixOut out(Matrix& to) const {
    return {.data = to.values.data(), .stride = to.stride};
  }

  // The elements of op(m), row by row, as `compute` sees them.
  static std::vector<double> factor(const Matrix& m, Transpose transpose, int64_t rows,
                                    int64_t columns, DType compute) {
    std::vector<double> values;
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < columns; ++c) {
        values.push_back(rounded(transpose == Transpose::kNo ? m.at(r, c) : m.at(c, r), compute));
      }
    }
    return values;
  }

  // The largest error of `got` over what rounding of f32 sums may cost, by plain loops in double.
  [[nodiscard]] double error_of(const Matrix& got, DType compute) const {
    return error_of(got, compute, compute);
  }

  // With elements of b as another type sees them.
  [[nodiscard]] double error_of(const Matrix& got, DType compute, DType type_of_b) const {
    const std::vector<double> left = factor(a, n.transpose_a, n.M, n.K, compute);
    const Transpose turned = n.transpose_b == Transpose::kNo ? Transpose::kYes : Transpose::kNo;
    const std::vector<double> right = factor(b, turned, n.N, n.K, type_of_b);
    double worst = 0.0;
    for (int64_t i = 0; i < n.M; ++i) {
      for (int64_t j = 0; j < n.N; ++j) {
        double sum = 0.0;
        for (int64_t k = 0; k < n.K; ++k) {
          sum += left[static_cast<size_t>(i * n.K + k)] * right[static_cast<size_t>(j * n.K + k)];
        }
        const double before = n.beta == 0.0F ? 0.0 : n.beta * static_cast<double>(c.at(i, j));
        const double allowed = 1e-6 * (1.0 + std::sqrt(static_cast<double>(n.K)));
        worst = std::max(worst, std::abs(n.alpha * sum + before - got.at(i, j)) / allowed);
      }
    }
    return worst;
  }

  // Writes beside c would be seen here.
  [[nodiscard]] bool is_untouched_beside(const Matrix& got) const {
    for (int64_t i = 0; i < n.M; ++i) {
      for (int64_t j = n.N; j < got.stride; ++j) {
        if (got.at(i, j) != kUntouched) {
          return false;
        }
      }
    }
    return true;
  }
};

class MultiplierTest : public ::testing::TestWithParam<Multiplier> {
 protected:
  static void check(const GemmDims& dims) {
    const Multiplier& way = GetParam();
    const Case test(dims);
    Matrix got = test.c;
    way.gemm(dims, test.a.view(), test.b.view(), test.out(got));
    EXPECT_LT(test.error_of(got, way.compute), 1.0) << name(dims);
    EXPECT_TRUE(test.is_untouched_beside(got)) << name(dims);
  }

  static void check_bf16(const GemmDims& dims) {
    const Multiplier& way = GetParam();
    const Case test(dims);
    const std::vector<uint16_t> b = test.b.bf16_bits();
    Matrix got = test.c;
    way.gemm_bf16(dims, test.a.view(), {.data = b.data(), .stride = test.b.stride}, test.out(got));
    EXPECT_LT(test.error_of(got, way.compute, DType::kBf16), 1.0) << name(dims);
    EXPECT_TRUE(test.is_untouched_beside(got)) << name(dims);
  }

  static void check_packed(const GemmDims& dims) {
    const Multiplier& way = GetParam();
    const Case test(dims);
    std::vector<float> memory(static_cast<size_t>(way.packed_floats(dims.N, dims.K)) + 16,
                              std::nanf(""));
    float* packed = memory.data();
    while (reinterpret_cast<uintptr_t>(packed) % 64 != 0) {
      ++packed;
    }
    for (int64_t begin = 0; begin < dims.N; begin += 2 * kPackedColumns) {
      way.pack(dims, test.b.view(), begin, std::min(begin + 2 * kPackedColumns, dims.N), packed);
    }
    Matrix got = test.c;
    way.gemm_packed(dims, test.a.view(), packed, test.out(got));
    EXPECT_LT(test.error_of(got, way.compute), 1.0) << name(dims);
    EXPECT_TRUE(test.is_untouched_beside(got)) << name(dims);
  }

  static std::string name(const GemmDims& n) {
    return std::to_string(n.M) + " x " + std::to_string(n.N) + " x " + std::to_string(n.K) +
           (n.transpose_a == Transpose::kYes ? " a^T" : "") +
           (n.transpose_b == Transpose::kYes ? " b^T" : "");
  }

  // Calls body for all four pairs of transposes.
  template <typename Body>
  static void for_transposes(GemmDims dims, Body body) {
    for (const Transpose a : {Transpose::kNo, Transpose::kYes}) {
      for (const Transpose b : {Transpose::kNo, Transpose::kYes}) {
        dims.transpose_a = a;
        dims.transpose_b = b;
        body(dims);
      }
    }
  }
};

TEST_P(MultiplierTest, EqualsThePlainLoopsForOddShapes) {
  for (const int64_t M : {1, 2, 5, 13, 14, 15, 28, 29, 70}) {
    for (const int64_t N : {1, 2, 15, 16, 17, 31, 32, 33, 70}) {
      for (const int64_t K : {1, 2, 3, 15, 16, 17, 31, 33, 70}) {
        for_transposes({.M = M, .N = N, .K = K}, check);
      }
    }
  }
}

TEST_P(MultiplierTest, EqualsThePlainLoopsForEveryLengthUpToSeventy) {
  for (int64_t length = 1; length <= 70; ++length) {
    for_transposes({.M = length, .N = 19, .K = 23}, check);
    for_transposes({.M = 21, .N = length, .K = 18}, check);
    for_transposes({.M = 16, .N = 37, .K = length}, check);
  }
}

TEST_P(MultiplierTest, EqualsThePlainLoopsForManyBlocks) {
  for_transposes({.M = 30, .N = 40, .K = 1500}, check);
  for_transposes({.M = 33, .N = 33, .K = 2111}, check);
  for_transposes({.M = 2100, .N = 35, .K = 20}, check);
  for_transposes({.M = 20, .N = 700, .K = 600}, check);
}

TEST_P(MultiplierTest, MultipliesWithAFactorThatLiesInBf16) {
  for (const int64_t M : {1, 5, 14, 33}) {
    for (const int64_t N : {1, 16, 31, 32, 70}) {
      for (const int64_t K : {1, 2, 15, 31, 32, 33, 70}) {
        for_transposes({.M = M, .N = N, .K = K, .beta = 1.0F}, check_bf16);
      }
    }
  }
  for_transposes({.M = 20, .N = 45, .K = 1300}, check_bf16);
  check_bf16({.M = 5, .N = 6, .K = 0});
}

TEST_P(MultiplierTest, ScalesAndAdds) {
  for (const auto& [alpha, beta] : {std::pair{0.5F, 2.0F}, {1.0F, 1.0F}, {-1.0F, 0.0F}}) {
    for_transposes({.M = 17, .N = 45, .K = 33, .alpha = alpha, .beta = beta}, check);
    for_transposes({.M = 9, .N = 20, .K = 1300, .alpha = alpha, .beta = beta}, check);
  }
}

TEST_P(MultiplierTest, MultipliesNothing) {
  check({.M = 0, .N = 5, .K = 5});
  check({.M = 5, .N = 0, .K = 5});
  check({.M = 5, .N = 6, .K = 0});
  check({.M = 5, .N = 6, .K = 0, .beta = 0.5F});
}

TEST_P(MultiplierTest, DoesNotReadTheOldContentWithBetaZero) {
  const Case test({.M = 20, .N = 40, .K = 1200});
  Matrix got = test.c;
  for (int64_t i = 0; i < test.n.M; ++i) {
    std::fill_n(got.values.begin() + i * got.stride, test.n.N, std::nanf(""));
  }
  GetParam().gemm(test.n, test.a.view(), test.b.view(), test.out(got));
  EXPECT_LT(test.error_of(got, GetParam().compute), 1.0);
}

// Whole aligned lines take a store path of their own, the elements beside them do not.
TEST_P(MultiplierTest, PastTheCachesTheResultIsTheSame) {
  const GemmDims dims = {.M = 45, .N = 84, .K = 70};
  const Case test(dims);
  for (const int64_t offset : {0, 16, 1}) {
    std::vector<float> memory(static_cast<size_t>(dims.M * 96 + 64), kUntouched);
    float* c = memory.data();
    while (reinterpret_cast<uintptr_t>(c) % 64 != 0) {
      ++c;
    }
    c += offset;
    GemmDims past = dims;
    past.past_caches = true;
    GetParam().gemm(past, test.a.view(), test.b.view(), {.data = c, .stride = 96});
    Matrix got = test.c;
    for (int64_t i = 0; i < dims.M; ++i) {
      std::copy_n(c + i * 96, dims.N, got.values.begin() + i * got.stride);
      EXPECT_EQ(c[i * 96 + dims.N], kUntouched) << "row " << i;
    }
    EXPECT_LT(test.error_of(got, GetParam().compute), 1.0) << "offset " << offset;
  }
}

TEST_P(MultiplierTest, MultipliesWithAPackedMatrix) {
  for (const int64_t K : {1, 2, 17, 64, 700, 1501}) {
    for (const int64_t N : {1, 31, 32, 70, 130}) {
      for_transposes({.M = 11, .N = N, .K = K, .beta = 1.0F}, check_packed);
    }
  }
}

TEST_P(MultiplierTest, KeepsNaNAndInfinity) {
  const Case test({.M = 3, .N = 3, .K = 40});
  Matrix a = test.a;
  a.values[0] = std::nanf("");
  a.values[static_cast<size_t>(a.stride)] = INFINITY;
  Matrix got = test.c;
  GetParam().gemm(test.n, a.view(), test.b.view(), test.out(got));
  EXPECT_TRUE(std::isnan(got.at(0, 1)));
  EXPECT_TRUE(std::isinf(got.at(1, 1)));
  EXPECT_TRUE(std::isfinite(got.at(2, 1)));
}

INSTANTIATE_TEST_SUITE_P(Ways, MultiplierTest,
                         ::testing::ValuesIn(std::vector<Multiplier>(multipliers().begin(),
                                                                     multipliers().end())),
                         [](const auto& way) {
                           std::string name = way.param.name;
                           std::replace(name.begin(), name.end(), ' ', '_');
                           return name;
                         });

TEST(Multipliers, TheFastestTypeIsOneTheMachineHasInstructionsFor) {
  EXPECT_TRUE(multiplier(fastest_compute()).is_native);
  const bool has_bf16 = std::ranges::any_of(multipliers(), [](const Multiplier& way) {
    return way.compute == DType::kBf16 && way.is_native;
  });
  EXPECT_EQ(fastest_compute(), has_bf16 ? DType::kBf16 : DType::kF32);
}

TEST(Multipliers, ThereIsOneForEveryComputeType) {
  EXPECT_EQ(multiplier(DType::kF32).compute, DType::kF32);
  EXPECT_EQ(multiplier(DType::kBf16).compute, DType::kBf16);
}

}  // namespace
}  // namespace switchyard::ops::linalg
