#include <algorithm>
#include <cstring>
#include <memory>

#include "ops/clones.h"
#include "ops/generic/kernels.h"
#include "ops/generic/lanes_cpu.h"
#include "ops/generic/walk.h"

namespace switchyard::ops::generic {

namespace {

using tensor::Out;
using tensor::Stream;
using tensor::Tensor;

constexpr int64_t kMostPieces = 16;  // of one matrix
constexpr int64_t kWave = 64;        // pieces whose column sums are held at one time
constexpr int64_t kRows = 4;  // handled together, so that column sums are loaded a quarter as often

// Cuts matrices into pieces of whole rows, by shape only, so that sums have one order.
struct Cut {
  int64_t height;
  int64_t width;
  int64_t rows_per_piece;
  int64_t pieces;  // of one matrix

  Cut(int64_t p, int64_t q)
      : height(p),
        width(q),
        rows_per_piece(std::max((p + kMostPieces - 1) / kMostPieces, range_length(q))),
        pieces((p + rows_per_piece - 1) / rows_per_piece) {}
};

// Adds the squares of eight neighbours of a row to the sums of their columns and of the row.
[[gnu::always_inline]] inline void add_squares(DoubleLanes& columns, DoubleLanes& row,
                                               const float* x) {
  HalfLanes part;
  std::memcpy(&part, x, sizeof(part));
  const DoubleLanes v = __builtin_convertvector(part, DoubleLanes);
  const DoubleLanes square = v * v;
  columns += square;
  row += square;
}

// Adds the squares of kCount rows of n elements to the sums of columns; means gets those of rows.
template <int64_t kCount>
[[gnu::always_inline]] inline void add_rows(const float* x, int64_t n, double* columns,
                                            float* means) {
  constexpr int64_t kStep = kLanes / 2;
  LaneSums sums[kCount];
  int64_t j = 0;
  for (; j + kStep <= n; j += kStep) {
    DoubleLanes column;
    std::memcpy(&column, columns + j, sizeof(column));
    for (int64_t r = 0; r < kCount; ++r) {
      add_squares(column, sums[r].low, x + r * n + j);
    }
    std::memcpy(columns + j, &column, sizeof(column));
  }
  for (int64_t r = 0; r < kCount; ++r) {
    double rest = 0.0;
    for (int64_t i = j; i < n; ++i) {
      const double v = x[r * n + i];
      columns[i] += v * v;
      rest += v * v;
    }
    means[r] = static_cast<float>((total(sums[r]) + rest) / static_cast<double>(n));
  }
}

// Mean squares of `count` rows, and the sums of squares of their columns.
SWITCHYARD_CPU_CLONES void run_piece(const float* x, int64_t count, int64_t width, float* rows,
                                     double* columns) {
  std::fill(columns, columns + width, 0.0);
  int64_t i = 0;
  for (; i + kRows <= count; i += kRows) {
    add_rows<kRows>(x + i * width, width, columns, rows + i);
  }
  for (; i < count; ++i) {
    add_rows<1>(x + i * width, width, columns, rows + i);
  }
}

// columns[j] = the sums of all pieces, in their order, over the height of the matrix.
SWITCHYARD_CPU_CLONES void join_pieces(const Cut& cut, double* sums, float* columns) {
  for (int64_t piece = 1; piece < cut.pieces; ++piece) {
    const double* more = sums + piece * cut.width;
    for (int64_t j = 0; j < cut.width; ++j) {
      sums[j] += more[j];
    }
  }
  const auto height = static_cast<double>(cut.height);
  for (int64_t j = 0; j < cut.width; ++j) {
    columns[j] = static_cast<float>(sums[j] / height);
  }
}

void mean_squares(const Stream& stream, const Tensor& x, Out rows, Out columns) {
  const int64_t num_matrices = x.size(0);
  const Cut cut(x.size(1), x.size(2));
  const int64_t wave = std::min(num_matrices, std::max<int64_t>(1, kWave / cut.pieces));
  const auto sums =
      std::make_unique_for_overwrite<double[]>(static_cast<size_t>(wave * cut.pieces * cut.width));
  const int64_t work = std::min(cut.rows_per_piece, cut.height) * cut.width;
  for (int64_t first = 0; first < num_matrices; first += wave) {
    const int64_t count = std::min(wave, num_matrices - first);
    for_each_range(stream, count * cut.pieces, work, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t top = i % cut.pieces * cut.rows_per_piece;
        const int64_t row = (first + i / cut.pieces) * cut.height + top;
        run_piece(x.data<float>() + row * cut.width, std::min(cut.rows_per_piece, cut.height - top),
                  cut.width, rows->data<float>() + row, sums.get() + i * cut.width);
      }
    });
    for_each_range(stream, count, cut.pieces * cut.width, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        join_pieces(cut, sums.get() + i * cut.pieces * cut.width,
                    columns->data<float>() + (first + i) * cut.width);
      }
    });
  }
}

}  // namespace

void add_mean_squares_cpu(Kernels& kernels) {
  kernels.mean_squares = mean_squares;
}

}  // namespace switchyard::ops::generic
