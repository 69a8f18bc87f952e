#include <algorithm>

#include "ops/linalg/multiplier.h"

namespace switchyard::ops::linalg {

namespace {

constexpr int64_t kFitsInCaches = 1 << 20;  // elements of a result that may be read from there
constexpr double kSmallProduct = 1 << 20;   // multiply-and-adds not worth waking a thread for

const float* at(MatrixView m, int64_t row, int64_t column) {
  return m.data + row * m.stride + column;
}

float* at(MatrixOut m, int64_t row, int64_t column) {
  return m.data + row * m.stride + column;
}

// Rows [begin, end) of c.
void gemm_rows(const GemmDims& n, MatrixView a, MatrixView b, MatrixOut c, int64_t begin,
               int64_t end) {
  GemmDims part = n;
  part.M = end - begin;
  a.data = n.transpose_a == Transpose::kNo ? at(a, begin, 0) : at(a, 0, begin);
  c.data = at(c, begin, 0);
  multiplier(n.compute).gemm(part, a, b, c);
}

// Columns [begin, end) of c.
void gemm_columns(const GemmDims& n, MatrixView a, MatrixView b, MatrixOut c, int64_t begin,
                  int64_t end) {
  GemmDims part = n;
  part.N = end - begin;
  b.data = n.transpose_b == Transpose::kNo ? at(b, 0, begin) : at(b, begin, 0);
  c.data = at(c, 0, begin);
  multiplier(n.compute).gemm(part, a, b, c);
}

int64_t ceil_div(int64_t value, int64_t by) {
  return (value + by - 1) / by;
}

int64_t round_up(int64_t value, int64_t multiple) {
  return ceil_div(value, multiple) * multiple;
}

// Length of a piece of c: one per thread, or two so that a delayed thread costs less, where they
// stay long enough that packing the other matrix anew for each of them does not matter.
int64_t piece_length(int64_t length, int num_threads, int64_t long_enough) {
  const int64_t pieces = length >= 2 * num_threads * long_enough ? 2 * num_threads : num_threads;
  return round_up((length + pieces - 1) / pieces, kPackedColumns);
}

// Cuts c into rows, whose left panels stay in a cache, if every thread gets enough of them;
// otherwise along its longer side.
void gemm(const tensor::Stream& stream, const GemmDims& n, MatrixView a, MatrixView b,
          MatrixOut c) {
  if (n.M == 0 || n.N == 0) {
    return;
  }
  core::ThreadPool& threads = *stream.threads;
  const double madds =
      static_cast<double>(n.M) * static_cast<double>(n.N * std::max<int64_t>(n.K, 1));
  if (threads.num_threads() == 1 || madds < kSmallProduct) {
    multiplier(n.compute).gemm(n, a, b, c);
    return;
  }
  constexpr int64_t kLongEnough = 512;
  constexpr int64_t kEnoughRows = 160;  // that make packing a panel of b worth it
  if (n.M >= n.N || n.M >= kEnoughRows * threads.num_threads()) {
    const int64_t grain = piece_length(n.M, threads.num_threads(), kLongEnough);
    threads.parallel_for(n.M, grain,
                         [&](int64_t begin, int64_t end) { gemm_rows(n, a, b, c, begin, end); });
  } else {
    const int64_t grain = piece_length(n.N, threads.num_threads(), kLongEnough);
    threads.parallel_for(n.N, grain,
                         [&](int64_t begin, int64_t end) { gemm_columns(n, a, b, c, begin, end); });
  }
}

void multiply(const GemmDims& n, MatrixView a, MatrixView b, MatrixOut c) {
  multiplier(n.compute).gemm(n, a, b, c);
}

void multiply(const GemmDims& n, MatrixView a, Bf16View b, MatrixOut c) {
  multiplier(n.compute).gemm_bf16(n, a, b, c);
}

struct Range {
  int64_t begin = 0;
  int64_t end = 0;
};

// The forward or the input-gradient product of rows with their group's weight.
template <class View>
struct GroupedProduct {
  GroupedMode mode = GroupedMode::kForward;
  GroupedDims n;
  const int32_t* offsets = nullptr;
  MatrixView a;
  View b;  // [G, K, M]
  MatrixOut c;

  [[nodiscard]] bool is_forward() const { return mode == GroupedMode::kForward; }
  [[nodiscard]] int64_t columns() const { return is_forward() ? n.M : n.K; }
  void run(int64_t g, Range rows, Range columns) const {
    const GemmDims dims = {.M = rows.end - rows.begin,
                           .N = columns.end - columns.begin,
                           .K = is_forward() ? n.K : n.M,
                           .transpose_b = is_forward() ? Transpose::kNo : Transpose::kYes,
                           .alpha = n.alpha,
                           .beta = n.beta,
                           .compute = n.compute};
    const int64_t first = g * n.K * n.M + columns.begin * (is_forward() ? 1 : n.M);
    multiply(dims, {.data = at(a, rows.begin, 0), .stride = a.stride},
             View{.data = b.data + first, .stride = n.M},
             {.data = at(c, rows.begin, columns.begin), .stride = c.stride});
  }
};

// How the products of all groups are cut into pieces. A piece packs its part of the weight anew, so
// groups of fewer rows than columns are cut into columns, and others into rows; either way one
// group that has nearly all rows is still shared by all threads.
struct GroupCut {
  int64_t rows = 0;  // of a piece
  int64_t columns = 0;
  int64_t row_pieces = 1;  // of the longest group
  int64_t column_pieces = 1;

  template <class View>
  static GroupCut of(const GroupedProduct<View>& product, int num_threads) {
    const int32_t* offsets = product.offsets;
    int64_t longest = 0;
    for (int64_t g = 0; g < product.n.G; ++g) {
      longest = std::max<int64_t>(longest, offsets[g + 1] - offsets[g]);
    }
    const int64_t total = offsets[product.n.G] - offsets[0];
    if (longest >= product.columns()) {
      const int64_t rows = std::max<int64_t>(64, round_up(total / (int64_t{4} * num_threads), 16));
      return {.rows = rows, .columns = product.columns(), .row_pieces = ceil_div(longest, rows)};
    }
    const int64_t wanted = ceil_div(longest * 2 * num_threads, std::max<int64_t>(total, 1));
    const int64_t columns =
        round_up(ceil_div(product.columns(), std::max<int64_t>(wanted, 1)), kPackedColumns);
    return {
        .rows = longest, .columns = columns, .column_pieces = ceil_div(product.columns(), columns)};
  }
};

// A piece is (group, part of the group): no list of pieces is stored.
template <class View>
void run_grouped(const tensor::Stream& stream, const GroupedProduct<View>& product) {
  const GroupCut cut = GroupCut::of(product, stream.threads->num_threads());
  const int64_t pieces = cut.row_pieces * cut.column_pieces;
  stream.threads->parallel_for(product.n.G * pieces, 1, [&](int64_t index, int64_t) {
    const int64_t g = index / pieces;
    const int64_t row = product.offsets[g] + index % pieces % cut.row_pieces * cut.rows;
    const int64_t column = index % pieces / cut.row_pieces * cut.columns;
    const Range rows = {row, std::min<int64_t>(row + cut.rows, product.offsets[g + 1])};
    if (rows.begin < rows.end) {
      product.run(g, rows, {column, std::min(column + cut.columns, product.columns())});
    }
  });
}

// Rows [begin, end) of the gradient of group g's weight.
void grouped_weight_rows(const GroupedDims& n, int64_t g, const int32_t* offsets, MatrixView a,
                         MatrixView b, float* weight, int64_t begin, int64_t end) {
  const GemmDims dims = {.M = end - begin,
                         .N = n.M,
                         .K = offsets[g + 1] - offsets[g],
                         .transpose_a = Transpose::kYes,
                         .alpha = n.alpha,
                         .beta = n.beta,
                         .compute = n.compute,
                         .past_caches = n.G * n.K * n.M > kFitsInCaches};
  const MatrixOut out = {.data = weight + (g * n.K + begin) * n.M, .stride = n.M};
  if (dims.K == 0) {
    for (int64_t i = 0; i < dims.M * dims.N; ++i) {
      out.data[i] = n.beta == 0.0F ? 0.0F : n.beta * out.data[i];
    }
    return;
  }
  multiplier(n.compute).gemm(dims, {.data = at(a, offsets[g], begin), .stride = a.stride},
                             {.data = at(b, offsets[g], 0), .stride = b.stride}, out);
}

void grouped_by_weight(const tensor::Stream& stream, const GroupedDims& n, const int32_t* offsets,
                       MatrixView a, MatrixView b, float* weight) {
  const int64_t wanted = 4 * stream.threads->num_threads();
  const int64_t pieces = std::max<int64_t>(1, wanted / std::max<int64_t>(n.G, 1));
  const int64_t rows_per_piece = round_up((n.K + pieces - 1) / pieces, 16);
  stream.threads->parallel_for(n.G * pieces, 1, [&](int64_t index, int64_t) {
    const int64_t begin = index % pieces * rows_per_piece;
    const int64_t end = std::min(begin + rows_per_piece, n.K);
    const int64_t g = index / pieces;
    const bool is_unchanged = n.beta == 1.0F && offsets[g] == offsets[g + 1];
    if (begin < end && !is_unchanged) {
      grouped_weight_rows(n, g, offsets, a, b, weight, begin, end);
    }
  });
}

void grouped_gemm(const tensor::Stream& stream, GroupedMode mode, const GroupedDims& n,
                  const int32_t* offsets, MatrixView a, MatrixView b, MatrixOut c) {
  if (mode == GroupedMode::kGradWeight) {
    grouped_by_weight(stream, n, offsets, a, b, c.data);
  } else {
    run_grouped<MatrixView>(stream, {mode, n, offsets, a, b, c});
  }
}

void grouped_gemm_bf16(const tensor::Stream& stream, GroupedMode mode, const GroupedDims& n,
                       const int32_t* offsets, MatrixView a, Bf16View b, MatrixOut c) {
  run_grouped<Bf16View>(stream, {mode, n, offsets, a, b, c});
}

}  // namespace

void add_matmul_cpu(Kernels& kernels) {
  kernels.gemm = gemm;
  kernels.grouped_gemm = grouped_gemm;
  kernels.grouped_gemm_bf16 = grouped_gemm_bf16;
}

}  // namespace switchyard::ops::linalg
