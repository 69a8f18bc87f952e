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

int64_t round_up(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// Length of a piece of c: one per thread, or two so that a delayed thread costs less, where they
// stay long enough that packing the other matrix anew for each of them does not matter.
int64_t piece_length(int64_t length, int num_threads, int64_t long_enough) {
  const int64_t pieces = length >= 2 * num_threads * long_enough ? 2 * num_threads : num_threads;
  return round_up((length + pieces - 1) / pieces, kPackedColumns);
}

// Cuts c into rows, whose left panels stay in a cache, where every thread gets enough of them; else
// along its longer side.
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
  constexpr int64_t kEnoughRows = 160;  // to multiply a panel of b with, once it is packed
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

// Rows [begin, end) of group g in the forward or the input-gradient product.
void grouped_rows(GroupedMode mode, const GroupedDims& n, int64_t g, MatrixView a, MatrixView b,
                  MatrixOut c, int64_t begin, int64_t end) {
  const bool is_forward = mode == GroupedMode::kForward;
  const GemmDims dims = {.M = end - begin,
                         .N = is_forward ? n.M : n.K,
                         .K = is_forward ? n.K : n.M,
                         .transpose_b = is_forward ? Transpose::kNo : Transpose::kYes,
                         .alpha = n.alpha,
                         .beta = n.beta,
                         .compute = n.compute};
  const MatrixView weight = {.data = b.data + g * n.K * n.M, .stride = n.M};
  multiplier(n.compute).gemm(dims, {.data = at(a, begin, 0), .stride = a.stride}, weight,
                             {.data = at(c, begin, 0), .stride = c.stride});
}

// A piece is (group, rows of the group): no list of pieces is stored, and one expert that takes all
// rows is still shared by all threads.
void grouped_by_rows(const tensor::Stream& stream, GroupedMode mode, const GroupedDims& n,
                     const int32_t* offsets, MatrixView a, MatrixView b, MatrixOut c) {
  int64_t longest = 0;
  for (int64_t g = 0; g < n.G; ++g) {
    longest = std::max<int64_t>(longest, offsets[g + 1] - offsets[g]);
  }
  const int64_t total = offsets[n.G] - offsets[0];
  const int64_t rows_per_piece =
      std::max<int64_t>(64, round_up(total / (4 * stream.threads->num_threads()), 16));
  const int64_t pieces = (longest + rows_per_piece - 1) / rows_per_piece;
  stream.threads->parallel_for(n.G * pieces, 1, [&](int64_t index, int64_t) {
    const int64_t g = index / pieces;
    const int64_t begin = offsets[g] + index % pieces * rows_per_piece;
    const int64_t end = std::min<int64_t>(begin + rows_per_piece, offsets[g + 1]);
    if (begin < end) {
      grouped_rows(mode, n, g, a, b, c, begin, end);
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
    grouped_by_rows(stream, mode, n, offsets, a, b, c);
  }
}

}  // namespace

Kernels cpu_kernels() {
  return {.gemm = gemm, .grouped_gemm = grouped_gemm};
}

}  // namespace switchyard::ops::linalg
