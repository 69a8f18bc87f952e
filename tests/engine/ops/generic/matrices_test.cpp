// Ops over many matrices at once: mean squares of rows and columns, and element programs with
// tensors that repeat along an axis.
#include "ops/generic/elementwise.h"
#include "ops/generic/mean_squares.h"
#include "ops/generic/reduce.h"
#include "tests/engine/ops/generic/test_support.h"

namespace switchyard::ops::generic {

namespace {

using tensor::Tensor;

class Matrices : public CpuTest {};

struct Means {
  Tensor rows;
  Tensor columns;
};

Means means_of(const Backend& backend, const Tensor& x) {
  Means means{zeros({x.size(0), x.size(1)}), zeros({x.size(0), x.size(2)})};
  mean_squares(backend, x, means.rows, means.columns);
  return means;
}

// w[g,i,j] += k a[g,i] x[g,i,j] / b[g,j], scaled by the one number of each matrix.
const std::vector<ElementwiseInstruction> kProgram = {
    {ElementwiseOp::kLoad, 0, 1, 0},   {ElementwiseOp::kLoad, 1, 2, 0},
    {ElementwiseOp::kMul, 0, 0, 1},    {ElementwiseOp::kLoad, 2, 3, 0},
    {ElementwiseOp::kDiv, 0, 0, 2},    {ElementwiseOp::kLoad, 3, 4, 0},
    {ElementwiseOp::kMul, 0, 0, 3},    {ElementwiseOp::kConst, 4, 0, 0},
    {ElementwiseOp::kScalar, 5, 5, 0}, {ElementwiseOp::kMul, 4, 4, 5},
    {ElementwiseOp::kLoad, 6, 0, 0},   {ElementwiseOp::kFma, 6, 0, 4},
    {ElementwiseOp::kStore, 6, 0, 0}};
const std::vector<float> kConstants = {0.25F};

void run_matrices(const Backend& backend, const std::vector<ElementwiseInstruction>& code,
                  const std::vector<Tensor>& io, const std::vector<float>& constants,
                  const Tensor& active) {
  ElementwisePrograms programs;
  elementwise(backend, programs, code, io, constants,
              {.over = ElementwiseDomain::Over::kMatrices, .active = active});
}

std::vector<Tensor> program_tensors(int64_t g, int64_t p, int64_t q) {
  std::vector<Tensor> io = {
      random_tensor({g, p, q}, 1.0F, 1), random_tensor({g, p, q}, 1.0F, 2),
      random_tensor({g, p, 1}, 1.0F, 3), random_tensor({g, 1, q}, 1.0F, 4),
      random_tensor({g, 1, 1}, 1.0F, 5), Tensor::from({1}, std::vector<float>{3.0F})};
  for (int64_t i = 0; i < io[3].count(); ++i) {
    io[3].data<float>()[i] = 2.0F + std::fabs(io[3].data<float>()[i]);
  }
  return io;
}

}  // namespace

TEST_F(Matrices, MeanSquaresEqualAPlainLoop) {
  const std::vector<tensor::Shape> shapes = {{1, 2, 2},   {3, 1, 5},     {2, 7, 1},     {2, 9, 23},
                                             {70, 3, 17}, {1, 300, 130}, {5, 130, 300}, {0, 4, 4}};
  for (const tensor::Shape& shape : shapes) {
    SCOPED_TRACE(fmt::format("{}", shape));
    const Tensor x = random_tensor(shape);
    const Means means = means_of(cpu_, x);
    std::vector<double> rows(static_cast<size_t>(shape[0] * shape[1]));
    std::vector<double> columns(static_cast<size_t>(shape[0] * shape[2]));
    for (int64_t i = 0; i < x.count(); ++i) {
      const double square = std::pow(static_cast<double>(element(x, i)), 2.0);
      const int64_t row = i / shape[2];
      rows[static_cast<size_t>(row)] += square / static_cast<double>(shape[2]);
      columns[static_cast<size_t>(row / shape[1] * shape[2] + i % shape[2])] +=
          square / static_cast<double>(shape[1]);
    }
    for (size_t i = 0; i < rows.size(); ++i) {
      ASSERT_NEAR(means.rows.data<float>()[i], rows[i], 1e-6 * rows[i]) << i;
    }
    for (size_t i = 0; i < columns.size(); ++i) {
      ASSERT_NEAR(means.columns.data<float>()[i], columns[i], 1e-6 * columns[i]) << i;
    }
  }
}

TEST_F(Matrices, MeanSquaresOfOneDoNotDependOnItsNeighboursOrThreads) {
  expect_same_for_any_threads([](const Backend& backend) {
    return means_of(backend, random_tensor({3, 400, 250})).columns;
  });
  const Tensor x = random_tensor({4, 60, 90});
  const Means all = means_of(cpu_, x);
  for (int64_t g = 0; g < 4; ++g) {
    const Means one = means_of(cpu_, x.slice(0, g, g + 1));
    EXPECT_TRUE(same_bits(one.rows, all.rows.slice(0, g, g + 1)));
    EXPECT_TRUE(same_bits(one.columns, all.columns.slice(0, g, g + 1)));
  }
}

TEST_F(Matrices, MeanSquaresCheckTheirArguments) {
  const Tensor x = zeros({2, 3, 4});
  expect_invalid([&] { mean_squares(cpu_, zeros({3, 4}), zeros({3}), zeros({4})); }, "[G,P,Q]");
  expect_invalid([&] { mean_squares(cpu_, x, zeros({2, 4}), zeros({2, 4})); }, "rows must be");
  expect_invalid([&] { mean_squares(cpu_, x, zeros({2, 3}), zeros({2, 3})); }, "columns must be");
  expect_invalid([&] { mean_squares(cpu_, zeros({2, 0, 4}), zeros({2, 0}), zeros({2, 4})); },
                 "must have an element");
  expect_invalid([&] { mean_squares(cpu_, x.slice(2, 0, 3), zeros({2, 3}), zeros({2, 3})); },
                 "x must be contiguous");
}

TEST_F(Matrices, AProgramSeesWhatRepeats) {
  for (const tensor::Shape& shape :
       {tensor::Shape{2, 3, 5}, {1, 1, 700}, {3, 70, 300}, {5, 4, 1}, {0, 2, 2}}) {
    SCOPED_TRACE(fmt::format("{}", shape));
    const std::vector<Tensor> io = program_tensors(shape[0], shape[1], shape[2]);
    const std::vector<float> old = io[0].to_vector<float>();
    run_matrices(cpu_, kProgram, io, kConstants, {});
    for (int64_t i = 0; i < io[0].count(); ++i) {
      const int64_t row = i / shape[2];
      const int64_t g = row / shape[1];
      const double b = static_cast<double>(element(io[3], g * shape[2] + i % shape[2]));
      const double x = static_cast<double>(element(io[1], i));
      const double scale =
          static_cast<double>(element(io[2], row)) * static_cast<double>(element(io[4], g));
      const double want = static_cast<double>(old[static_cast<size_t>(i)]) + 0.75 * scale * x / b;
      ASSERT_NEAR(element(io[0], i), want, 1e-6 + 1e-6 * std::fabs(want)) << i;
    }
  }
}

TEST_F(Matrices, AProgramLeavesMatricesThatAreNotActiveAlone) {
  const std::vector<Tensor> io = program_tensors(4, 50, 400);
  const std::vector<Tensor> all = program_tensors(4, 50, 400);
  const std::vector<Tensor> untouched = program_tensors(4, 50, 400);
  run_matrices(cpu_, kProgram, all, kConstants, {});
  run_matrices(cpu_, kProgram, io, kConstants,
               Tensor::from({4}, std::vector<float>{0.0F, 2.0F, 0.0F, std::nanf("")}));
  for (int64_t g = 0; g < 4; ++g) {
    const Tensor want = (g % 2 == 0 ? untouched : all)[0].slice(0, g, g + 1);
    EXPECT_TRUE(same_bits(io[0].slice(0, g, g + 1), want)) << g;
  }
}

TEST_F(Matrices, AProgramDoesNotDependOnTheNumberOfThreads) {
  expect_same_for_any_threads([](const Backend& backend) {
    const std::vector<Tensor> io = program_tensors(3, 130, 300);
    run_matrices(backend, kProgram, io, kConstants, {});
    return io[0];
  });
}

TEST_F(Matrices, AProgramChecksItsShapes) {
  std::vector<Tensor> io = program_tensors(2, 3, 5);
  const auto run = [&](const Tensor& active) {
    run_matrices(cpu_, kProgram, io, kConstants, active);
  };
  expect_invalid([&] { run(zeros({3})); }, "active must be [2]");
  io[2] = zeros({2, 2, 1});
  expect_invalid([&] { run({}); }, "or 1 in place of an extent, got [2, 2, 1]");
  io = {zeros({2, 3, 5}), zeros({1, 3, 5})};
  const std::vector<ElementwiseInstruction> stores = {{ElementwiseOp::kLoad, 0, 1, 0},
                                                      {ElementwiseOp::kStore, 0, 1, 0}};
  expect_invalid([&] { run_matrices(cpu_, stores, io, {}, {}); }, "io 1 must have the shape");
  io = {zeros({3, 5})};
  expect_invalid([&] { run_matrices(cpu_, {}, io, {}, {}); }, "[G,P,Q]");
}

}  // namespace switchyard::ops::generic
