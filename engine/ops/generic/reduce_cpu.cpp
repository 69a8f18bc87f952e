#include <atomic>
#include <bit>
#include <limits>
#include <vector>

#include "ops/clones.h"
#include "ops/generic/kernels.h"
#include "ops/generic/lanes_cpu.h"
#include "ops/generic/strided_cpu.h"

namespace switchyard::ops::generic {

namespace {

using tensor::Out;
using tensor::Stream;
using tensor::Tensor;

constexpr double kLowest = -std::numeric_limits<double>::infinity();
constexpr int64_t kTile = 128;  // columns summed together when the axis is not the last

double start_of(Reduction op) {
  return op == Reduction::kMax ? kLowest : 0.0;
}

double join(Reduction op, double a, double b) {
  if (op != Reduction::kMax) {
    return a + b;
  }
  return (b > a || b != b) ? b : a;
}

void finish(Reduction op, double value, int64_t n, double beta, float* y) {
  if (op == Reduction::kMean) {
    value /= static_cast<double>(n);
  }
  *y = static_cast<float>(beta == 0.0 ? value : value + beta * static_cast<double>(*y));
}

SWITCHYARD_CPU_CLONES double contiguous_row(Reduction op, const float* x, int64_t n) {
  switch (op) {
    case Reduction::kSumSq:
      return row_sum<true>(x, n);
    case Reduction::kMax:
      return static_cast<double>(row_max(x, n, -std::numeric_limits<float>::infinity()));
    default:
      return row_sum<false>(x, n);
  }
}

double strided_row(Reduction op, const float* x, int64_t stride, int64_t n) {
  if (stride == 1) {
    return contiguous_row(op, x, n);
  }
  float buffer[kBlock];
  double result = start_of(op);
  for (int64_t first = 0; first < n; first += kBlock) {
    const int64_t length = std::min(kBlock, n - first);
    copy_from_strided(buffer, x + first * stride, stride, length);
    result = join(op, result, contiguous_row(op, buffer, length));
  }
  return result;
}

// All elements: one number per range of pieces, joined in their order.
double reduce_all(const Stream& stream, Reduction op, const Tensor& x) {
  const Walk walk(x.shape(), {&x});
  const int64_t length = range_length(walk.piece_length());
  const int64_t pieces = walk.num_pieces();
  std::vector<double> parts(static_cast<size_t>((pieces + length - 1) / length));
  const float* data = x.data<float>();
  const int64_t stride = walk.inner_stride(0);
  for_each_range(stream, pieces, walk.piece_length(), [&](int64_t begin, int64_t end) {
    double part = start_of(op);
    for (int64_t i = begin; i < end; ++i) {
      const Walk::Piece p = walk.piece(i);
      const float* row = data + walk.offsets(p.row)[0] + p.begin * stride;
      part = join(op, part, strided_row(op, row, stride, p.end - p.begin));
    }
    parts[static_cast<size_t>(begin / length)] = part;
  });
  double result = start_of(op);
  for (const double part : parts) {
    result = join(op, result, part);
  }
  return result;
}

// Adds n rows, `stride` apart, to sums of `width` columns.
SWITCHYARD_CPU_CLONES void add_rows(Reduction op, double* sums, const float* x, int64_t stride,
                                    int64_t n, int64_t width) {
  for (int64_t i = 0; i < n; ++i) {
    const float* row = x + i * stride;
    if (op == Reduction::kMax) {
      for (int64_t j = 0; j < width; ++j) {
        const double v = row[j];
        sums[j] = (v > sums[j] || v != v) ? v : sums[j];
      }
    } else if (op == Reduction::kSumSq) {
      for (int64_t j = 0; j < width; ++j) {
        const double v = row[j];
        sums[j] += v * v;
      }
    } else {
      for (int64_t j = 0; j < width; ++j) {
        sums[j] += static_cast<double>(row[j]);
      }
    }
  }
}

struct AxisReduction {
  Reduction op;
  int64_t n;       // extent of the axis
  int64_t stride;  // and distance of its elements
  double beta;
  const float* x;
  float* y;
};

// Every output element is a row along the axis.
void reduce_rows(const Stream& stream, const AxisReduction& r, const Walk& walk) {
  for_each_range(stream, walk.rows() * walk.inner(), r.n, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = i / walk.inner();
      const int64_t j = i - row * walk.inner();
      const Walk::Offsets at = walk.offsets(row);
      const float* x = r.x + at[1] + j * walk.inner_stride(1);
      float* y = r.y + at[0] + j * walk.inner_stride(0);
      finish(r.op, strided_row(r.op, x, r.stride, r.n), r.n, r.beta, y);
    }
  });
}

// Neighbouring outputs come from neighbouring inputs, so whole rows are added.
void reduce_columns(const Stream& stream, const AxisReduction& r, const Walk& walk) {
  const int64_t tiles = (walk.inner() + kTile - 1) / kTile;
  const int64_t work = r.n * std::min(walk.inner(), kTile);
  for_each_range(stream, walk.rows() * tiles, work, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = i / tiles;
      const int64_t first = (i - row * tiles) * kTile;
      const int64_t width = std::min(kTile, walk.inner() - first);
      const Walk::Offsets at = walk.offsets(row);
      double sums[kTile];
      std::fill(sums, sums + width, start_of(r.op));
      add_rows(r.op, sums, r.x + at[1] + first, r.stride, r.n, width);
      float* y = r.y + at[0] + first * walk.inner_stride(0);
      for (int64_t j = 0; j < width; ++j) {
        finish(r.op, sums[j], r.n, r.beta, y + j * walk.inner_stride(0));
      }
    }
  });
}

SWITCHYARD_CPU_CLONES int64_t nonfinite_in(const float* x, int64_t stride, int64_t n) {
  constexpr uint32_t kExponent = 0x7F800000U;
  int32_t found = 0;  // a piece has at most kGrain elements
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t bits = std::bit_cast<uint32_t>(x[i * stride]);
    found += (bits & kExponent) == kExponent ? 1 : 0;
  }
  return found;
}

void reduce(const Stream& stream, Reduction op, const Tensor& x, int axis, double beta, Out y) {
  if (y->count() == 1) {
    finish(op, reduce_all(stream, op, x), x.count(), beta, y->data<float>());
    return;
  }
  AxisReduction r{.op = op,
                  .n = x.size(axis),
                  .stride = x.stride(axis),
                  .beta = beta,
                  .x = x.data<float>(),
                  .y = y->data<float>()};
  if (r.n == 0) {  // no element to read, so y can stand for x
    reduce_rows(stream, r, Walk(y->shape(), {&*y, &*y}));
    return;
  }
  const Tensor first = x.select(axis, 0);
  const Walk walk(y->shape(), {&*y, &first});
  if (r.stride == 1 || walk.inner_stride(1) != 1) {
    reduce_rows(stream, r, walk);
  } else {
    reduce_columns(stream, r, walk);
  }
}

void add_sum_of_squares(const Stream& stream, const Tensor& x, Out sum) {
  *sum->data<double>() += reduce_all(stream, Reduction::kSumSq, x);
}

void count_nonfinite(const Stream& stream, const Tensor& x, Out n) {
  const Walk walk(x.shape(), {&x});
  const float* data = x.data<float>();
  const int64_t stride = walk.inner_stride(0);
  std::atomic<int64_t> found{0};
  walk.for_each_piece(stream, [&](int64_t row, int64_t begin, int64_t end) {
    const float* first = data + walk.offsets(row)[0] + begin * stride;
    found.fetch_add(nonfinite_in(first, stride, end - begin), std::memory_order_relaxed);
  });
  *n->data<int32_t>() += static_cast<int32_t>(found.load());
}

}  // namespace

void add_reduce_cpu(Kernels& kernels) {
  kernels.reduce = reduce;
  kernels.count_nonfinite = count_nonfinite;
  kernels.add_sum_of_squares = add_sum_of_squares;
}

}  // namespace switchyard::ops::generic
