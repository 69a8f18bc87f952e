#include <algorithm>
#include <numeric>
#include <vector>

#include "ops/clones.h"
#include "ops/generic/kernels.h"
#include "ops/generic/walk.h"

namespace switchyard::ops::generic {

namespace {

using tensor::DType;
using tensor::Out;
using tensor::Stream;
using tensor::Tensor;

constexpr int64_t kInsertionLimit = 32;  // more choices than this are sorted
constexpr int64_t kColumns = 64;         // columns of a row that one thread adds to

void require_index(const char* op, int32_t index, int64_t extent, int64_t position) {
  core::require(index >= -1 && index < extent, "{}: indices must be in -1..{}, got {} at {}", op,
                extent - 1, index, position);
}

// A matrix: its first element and its strides.
template <typename T>
struct Matrix {
  T* data;
  int64_t row_stride;
  int64_t column_stride;

  explicit Matrix(const Tensor& t)
      : data(static_cast<T*>(t.raw())), row_stride(t.stride(0)), column_stride(t.stride(1)) {}
  T& operator()(int64_t row, int64_t column) const {
    return data[row * row_stride + column * column_stride];
  }
};

// Numbers before NaN, then the larger one first.
bool comes_before(float a, float b) {
  return a > b || (b != b && a == a);
}

// One row of top-k: `best` holds the k best so far, in descending order.
struct Candidate {
  float value;
  int32_t index;
};

// Inserts a candidate before the ones it beats and drops the one at `place`.
void insert(std::vector<Candidate>& best, size_t place, Candidate candidate) {
  while (place > 0 && comes_before(candidate.value, best[place - 1].value)) {
    best[place] = best[place - 1];
    --place;
  }
  best[place] = candidate;
}

// Whether any of x[0..n) is above the limit; for a limit of NaN, say yes.
SWITCHYARD_CPU_CLONES bool any_above(const float* x, int64_t n, float limit) {
  int32_t found = 0;
  for (int64_t i = 0; i < n; ++i) {
    found |= x[i] <= limit ? 0 : 1;
  }
  return found != 0;
}

void topk_by_insertion(const float* x, int64_t stride, int64_t n, std::vector<Candidate>& best) {
  constexpr int64_t kStep = 64;
  const auto k = static_cast<int64_t>(best.size());
  for (int64_t i = 0; i < k; ++i) {
    insert(best, static_cast<size_t>(i),
           {.value = x[i * stride], .index = static_cast<int32_t>(i)});
  }
  for (int64_t first = k; first < n; first += kStep) {
    const int64_t end = std::min(first + kStep, n);
    if (stride == 1 && end - first == kStep && !any_above(x + first, kStep, best.back().value)) {
      continue;
    }
    for (int64_t i = first; i < end; ++i) {
      if (comes_before(x[i * stride], best.back().value)) {
        insert(best, best.size() - 1, {.value = x[i * stride], .index = static_cast<int32_t>(i)});
      }
    }
  }
}

void topk_by_sorting(const float* x, int64_t stride, int64_t n, std::vector<int32_t>& order,
                     std::vector<Candidate>& best) {
  order.resize(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  const auto before = [&](int32_t a, int32_t b) {
    const float left = x[a * stride];
    const float right = x[b * stride];
    if (comes_before(left, right)) {
      return true;
    }
    return !comes_before(right, left) && a < b;
  };
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(best.size()),
                    order.end(), before);
  for (size_t i = 0; i < best.size(); ++i) {
    best[i] = {.value = x[order[i] * stride], .index = order[i]};
  }
}

template <typename T>
void gather(const Stream& stream, const Tensor& x, const Tensor& rows, const Tensor& y) {
  const Matrix<const T> from(x);
  const Matrix<T> to(y);
  const int32_t* index = rows.data<int32_t>();
  const int64_t d = x.size(1);
  for_each_range(stream, y.size(0), d, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int32_t row = index[i * rows.stride(0)];
      require_index("gather_rows", row, x.size(0), i);
      if (row < 0 || d == 0) {
        for (int64_t j = 0; j < d; ++j) {
          to(i, j) = T{};
        }
      } else if (from.column_stride == 1 && to.column_stride == 1) {
        std::copy_n(&from(row, 0), d, &to(i, 0));
      } else {
        for (int64_t j = 0; j < d; ++j) {
          to(i, j) = from(row, j);
        }
      }
    }
  });
}

SWITCHYARD_CPU_CLONES void add_run(float* y, int64_t y_stride, const float* x, int64_t x_stride,
                                   int64_t n) {
  if (y_stride == 1 && x_stride == 1) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) {
      y[i] += x[i];
    }
    return;
  }
  for (int64_t i = 0; i < n; ++i) {
    y[i * y_stride] += x[i * x_stride];
  }
}

void topk(const Stream& stream, const Tensor& x, int64_t k, Out values, Out indices) {
  if (k == 0) {
    return;
  }
  const Matrix<const float> from(x);
  const Matrix<float> value(values);
  const Matrix<int32_t> index(indices);
  const int64_t n = x.size(1);
  for_each_range(stream, x.size(0), n, [&](int64_t begin, int64_t end) {
    std::vector<Candidate> best(static_cast<size_t>(k));
    std::vector<int32_t> order;
    for (int64_t t = begin; t < end; ++t) {
      const float* row = from.data + t * from.row_stride;
      if (k <= kInsertionLimit) {
        topk_by_insertion(row, from.column_stride, n, best);
      } else {
        topk_by_sorting(row, from.column_stride, n, order, best);
      }
      for (int64_t j = 0; j < k; ++j) {
        value(t, j) = best[static_cast<size_t>(j)].value;
        index(t, j) = best[static_cast<size_t>(j)].index;
      }
    }
  });
}

void take(const Stream& stream, const Tensor& x, const Tensor& idx, Out y) {
  const Matrix<const float> from(x);
  const Matrix<const int32_t> index(idx);
  const Matrix<float> to(y);
  const int64_t k = idx.size(1);
  for_each_range(stream, idx.size(0), k, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      for (int64_t j = 0; j < k; ++j) {
        const int32_t i = index(t, j);
        require_index("take", i, x.size(1), t * k + j);
        to(t, j) = i < 0 ? 0.0F : from(t, i);
      }
    }
  });
}

void put_add(const Stream& stream, const Tensor& x, const Tensor& idx, Out y) {
  const Matrix<const float> from(x);
  const Matrix<const int32_t> index(idx);
  const Matrix<float> to(y);
  const int64_t k = idx.size(1);
  for_each_range(stream, idx.size(0), k, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      for (int64_t j = 0; j < k; ++j) {
        const int32_t i = index(t, j);
        require_index("put_add", i, y->size(1), t * k + j);
        if (i >= 0) {
          to(t, i) += from(t, j);
        }
      }
    }
  });
}

void gather_rows(const Stream& stream, const Tensor& x, const Tensor& rows, Out y) {
  if (x.dtype() == DType::kI32) {
    gather<int32_t>(stream, x, rows, y);
  } else {
    gather<float>(stream, x, rows, y);
  }
}

// Every thread adds all rows to columns of its own, so the order of the additions stays.
void scatter_add_rows(const Stream& stream, const Tensor& x, const Tensor& rows, Out y) {
  const int32_t* index = rows.data<int32_t>();
  const int64_t n = rows.size(0);
  const int64_t d = y->size(1);
  for (int64_t i = 0; i < n; ++i) {
    require_index("scatter_add_rows", index[i * rows.stride(0)], y->size(0), i);
  }
  const float* from = x.data<float>();
  float* to = y->data<float>();
  const int64_t tiles = (d + kColumns - 1) / kColumns;
  for_each_range(stream, tiles, n * kColumns, [&](int64_t begin, int64_t end) {
    const int64_t first = begin * kColumns;
    const int64_t width = std::min(end * kColumns, d) - first;
    for (int64_t i = 0; i < n; ++i) {
      const int64_t row = index[i * rows.stride(0)];
      if (row >= 0) {
        add_run(to + row * y->stride(0) + first * y->stride(1), y->stride(1),
                from + i * x.stride(0) + first * x.stride(1), x.stride(1), width);
      }
    }
  });
}

void bincount(const Stream& stream, const Tensor& idx, Out counts) {
  const int64_t extent = counts->size(0);
  std::vector<int64_t> found(static_cast<size_t>(extent));
  const Walk walk(idx.shape(), {&idx});
  const Stream alone{.device = stream.device};
  walk.for_each_piece(alone, [&](int64_t row, int64_t begin, int64_t end) {
    const int32_t* from = idx.data<int32_t>() + walk.offsets(row)[0];
    for (int64_t i = begin; i < end; ++i) {
      const int32_t index = from[i * walk.inner_stride(0)];
      require_index("bincount", index, extent, row * walk.inner() + i);
      if (index >= 0) {
        ++found[static_cast<size_t>(index)];
      }
    }
  });
  for (int64_t i = 0; i < extent; ++i) {
    const int64_t count = found[static_cast<size_t>(i)];
    if (counts->dtype() == DType::kI32) {
      counts->data<int32_t>()[i * counts->stride(0)] = static_cast<int32_t>(count);
    } else {
      counts->data<float>()[i * counts->stride(0)] = static_cast<float>(count);
    }
  }
}

}  // namespace

void add_select_cpu(Kernels& kernels) {
  kernels.topk = topk;
  kernels.take = take;
  kernels.put_add = put_add;
  kernels.gather_rows = gather_rows;
  kernels.scatter_add_rows = scatter_add_rows;
  kernels.bincount = bincount;
}

}  // namespace switchyard::ops::generic
