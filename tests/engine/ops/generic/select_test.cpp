#include "ops/generic/select.h"

#include <algorithm>
#include <limits>

#include "tests/engine/ops/generic/test_support.h"

namespace switchyard::ops::generic {

namespace {

using tensor::Shape;
using tensor::Tensor;

constexpr float kInf = std::numeric_limits<float>::infinity();

class Select : public CpuTest {
 protected:
  // Compares topk() with a stable sort of every row.
  void expect_topk(const Tensor& x, int64_t k) {
    const int64_t rows = x.size(0);
    const int64_t n = x.size(1);
    const Tensor values = zeros({rows, k});
    const Tensor indices = zeros<int32_t>({rows, k});
    topk(cpu_, x, k, values, indices);
    for (int64_t t = 0; t < rows; ++t) {
      std::vector<int32_t> order(static_cast<size_t>(n));
      for (int64_t i = 0; i < n; ++i) {
        order[static_cast<size_t>(i)] = static_cast<int32_t>(i);
      }
      std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
        return element(x, t * n + a) > element(x, t * n + b);
      });
      for (int64_t j = 0; j < k; ++j) {
        const int32_t expected = order[static_cast<size_t>(j)];
        ASSERT_EQ(element<int32_t>(indices, t * k + j), expected) << "row " << t << " k " << k;
        ASSERT_EQ(element(values, t * k + j), element(x, t * n + expected));
      }
    }
  }

  static Tensor indices_of(const Shape& shape, int64_t extent, uint32_t seed) {
    std::mt19937 engine(seed);
    std::uniform_int_distribution<int32_t> pick(-1, static_cast<int32_t>(extent) - 1);
    const Tensor out = zeros<int32_t>(shape);
    for (int64_t i = 0; i < out.count(); ++i) {
      out.data<int32_t>()[i] = pick(engine);
    }
    return out;
  }
};

}  // namespace

TEST_F(Select, TopkMatchesAStableSort) {
  for (const int64_t k : {1, 2, 4, 32, 33, 100, 300}) {
    expect_topk(random_tensor({60, 300}, 1.0F, static_cast<uint32_t>(k)), k);
  }
  for (const Tensor& x : strided_views(40, 70, 3)) {
    expect_topk(x, 5);
    expect_topk(x, 70);
  }
}

TEST_F(Select, TopkGivesTiesToTheLowerIndex) {
  const Tensor x = random_tensor({50, 200}, 2.0F);
  for (int64_t i = 0; i < x.count(); ++i) {
    x.data<float>()[i] = std::round(x.data<float>()[i]);
  }
  for (const int64_t k : {1, 4, 17, 64}) {
    expect_topk(x, k);
  }
  expect_topk(zeros({3, 100}), 6);
}

TEST_F(Select, TopkPutsNaNLast) {
  const float nan = std::nanf("");
  const Tensor x = Tensor::from({1, 5}, std::vector<float>{nan, -kInf, nan, 2.0F, 1.0F});
  const Tensor values = zeros({1, 4});
  const Tensor indices = zeros<int32_t>({1, 4});
  topk(cpu_, x, 4, values, indices);
  EXPECT_EQ(indices.to_vector<int32_t>(), (std::vector<int32_t>{3, 4, 1, 0}));
}

TEST_F(Select, TopkOfNothingDoesNothing) {
  EXPECT_NO_THROW(topk(cpu_, zeros({0, 4}), 2, zeros({0, 2}), zeros<int32_t>({0, 2})));
  EXPECT_NO_THROW(topk(cpu_, zeros({3, 4}), 0, zeros({3, 0}), zeros<int32_t>({3, 0})));
}

TEST_F(Select, TakeAndPutAddMatchPlainLoops) {
  for (const Tensor& x : strided_views(90, 40, 1)) {
    const Tensor idx = indices_of({90, 7}, 40, 2);
    const Tensor y = random_tensor({90, 7});
    take(cpu_, x, idx, y);
    const Tensor back = random_tensor({90, 40}, 1.0F, 3);
    std::vector<float> expected = back.to_vector<float>();
    for (int64_t i = 0; i < y.count(); ++i) {
      const int32_t column = element<int32_t>(idx, i);
      ASSERT_EQ(element(y, i), column < 0 ? 0.0F : element(x, i / 7 * 40 + column));
      if (column >= 0) {
        expected[static_cast<size_t>(i / 7 * 40 + column)] += element(y, i);
      }
    }
    put_add(cpu_, y, idx, back);
    EXPECT_EQ(back.to_vector<float>(), expected);
  }
}

TEST_F(Select, GatherRowsCopiesRowsAndClearsTheRest) {
  for (const Tensor& x : strided_views(30, 20, 1)) {
    const Tensor rows = indices_of({100}, 30, 2);
    for (const Tensor& y : strided_views(100, 20, 3)) {
      gather_rows(cpu_, x, rows, y);
      for (int64_t i = 0; i < y.count(); ++i) {
        const int32_t row = element<int32_t>(rows, i / 20);
        ASSERT_EQ(element(y, i), row < 0 ? 0.0F : element(x, row * 20 + i % 20));
      }
    }
  }
  const Tensor ids = Tensor::from({3, 1}, std::vector<int32_t>{7, 8, 9});
  const Tensor out = zeros<int32_t>({2, 1});
  gather_rows(cpu_, ids, Tensor::from({2}, std::vector<int32_t>{2, 0}), out);
  EXPECT_EQ(out.to_vector<int32_t>(), (std::vector<int32_t>{9, 7}));
}

TEST_F(Select, ScatterAddRowsAddsInRisingOrder) {
  for (const Tensor& x : strided_views(400, 150, 1)) {
    const Tensor rows = indices_of({400}, 9, 2);
    const Tensor y = random_tensor({9, 150}, 1.0F, 3);
    std::vector<float> expected = y.to_vector<float>();
    for (int64_t i = 0; i < x.count(); ++i) {
      const int32_t row = element<int32_t>(rows, i / 150);
      if (row >= 0) {
        expected[static_cast<size_t>(row * 150 + i % 150)] += element(x, i);
      }
    }
    scatter_add_rows(cpu_, x, rows, y);
    EXPECT_EQ(y.to_vector<float>(), expected);
  }
}

TEST_F(Select, ScatterAddRowsDoesNotDependOnTheNumberOfThreads) {
  const Tensor x = random_tensor({500, 333});
  const Tensor rows = indices_of({500}, 7, 2);
  expect_same_for_any_threads([&](const Backend& backend) {
    const Tensor y = zeros({7, 333});
    scatter_add_rows(backend, x, rows, y);
    return y;
  });
}

TEST_F(Select, BincountCountsEntries) {
  const Tensor idx = indices_of({500, 4}, 13, 2);
  std::vector<int32_t> expected(13);
  for (const int32_t i : values_of<int32_t>(idx.slice(1, 1, 3))) {
    if (i >= 0) {
      ++expected[static_cast<size_t>(i)];
    }
  }
  const Tensor counts = zeros<int32_t>({13});
  bincount(cpu_, idx.slice(1, 1, 3), counts);
  EXPECT_EQ(counts.to_vector<int32_t>(), expected);
  const Tensor as_float = random_tensor({13});
  bincount(cpu_, idx.slice(1, 1, 3), as_float);
  EXPECT_EQ(as_float.to_vector<float>(), std::vector<float>(expected.begin(), expected.end()));
}

TEST_F(Select, EmptyIndicesLeaveTheirTargetsAlone) {
  const Tensor none = zeros<int32_t>({0});
  gather_rows(cpu_, zeros({3, 2}), none, zeros({0, 2}));
  const Tensor y = random_tensor({3, 2});
  const std::vector<float> before = y.to_vector<float>();
  scatter_add_rows(cpu_, zeros({0, 2}), none, y);
  EXPECT_EQ(y.to_vector<float>(), before);
  const Tensor counts = random_tensor({2});
  bincount(cpu_, none, counts);
  EXPECT_EQ(counts.to_vector<float>(), std::vector<float>(2, 0.0F));
}

TEST_F(Select, RefusesIndicesOutOfRange) {
  const Tensor x = zeros({2, 3});
  const Tensor idx = Tensor::from({2, 1}, std::vector<int32_t>{0, 3});
  expect_invalid([&] { take(cpu_, x, idx, zeros({2, 1})); },
                 "take: indices must be in -1..2, got 3");
  expect_invalid([&] { put_add(cpu_, zeros({2, 1}), idx, x); }, "got 3 at 1");
  const Tensor rows = Tensor::from({1}, std::vector<int32_t>{-2});
  expect_invalid([&] { gather_rows(cpu_, x, rows, zeros({1, 3})); }, "got -2 at 0");
  expect_invalid([&] { scatter_add_rows(cpu_, zeros({1, 3}), rows, x); }, "got -2 at 0");
  expect_invalid([&] { bincount(cpu_, rows, zeros({3})); }, "got -2 at 0");
}

TEST_F(Select, SaysWhatDoesNotFit) {
  const Tensor x = zeros({2, 3});
  const Tensor idx = zeros<int32_t>({2, 2});
  expect_invalid([&] { topk(cpu_, x, 4, zeros({2, 4}), zeros<int32_t>({2, 4})); }, "0..3, got 4");
  expect_invalid([&] { topk(cpu_, x, 2, zeros({2, 3}), idx); }, "must be [2, 2]");
  expect_invalid([&] { topk(cpu_, zeros({3}), 1, zeros({3}), idx); }, "x must be [T, E]");
  expect_invalid([&] { take(cpu_, zeros({3, 3}), idx, zeros({2, 2})); }, "as many rows as idx");
  expect_invalid([&] { take(cpu_, x, idx, zeros({2, 3})); }, "must have the shape of idx");
  expect_invalid([&] { take(cpu_, x, x, zeros({2, 2})); }, "idx must be i32");
  expect_invalid([&] { gather_rows(cpu_, x, zeros<int32_t>({4}), zeros({4, 2})); }, "[4, 3]");
  expect_invalid([&] { bincount(cpu_, idx, zeros({2, 2})); }, "counts must be [E]");
}

}  // namespace switchyard::ops::generic
