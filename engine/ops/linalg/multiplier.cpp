#include "ops/linalg/multiplier.h"

#include <algorithm>
#include <vector>

#include "core/error.h"
#include "ops/linalg/convert_cpu.h"
#include "ops/linalg/onednn_gemm.h"
#include "ops/linalg/thread_buffer.h"
#include "ops/linalg/tiled_gemm.h"

namespace switchyard::ops::linalg {

namespace {

using tensor::DType;

int64_t rows_of_a(const GemmDims& n) {
  return n.transpose_a == Transpose::kNo ? n.M : n.K;
}

int64_t columns_of_a(const GemmDims& n) {
  return n.transpose_a == Transpose::kNo ? n.K : n.M;
}

int64_t rows_of_b(const GemmDims& n) {
  return n.transpose_b == Transpose::kNo ? n.K : n.N;
}

int64_t columns_of_b(const GemmDims& n) {
  return n.transpose_b == Transpose::kNo ? n.N : n.K;
}

// Buffers for copies of both factors of a product.
struct FactorBuffers {
  ThreadBuffer a;
  ThreadBuffer b;

  static FactorBuffers& of_this_thread() {
    thread_local FactorBuffers buffers;
    return buffers;
  }
};

GemmDims with_plain_b(GemmDims n) {
  n.transpose_b = Transpose::kNo;
  return n;
}

MatrixView widened(Bf16View matrix, int64_t rows, int64_t columns, ThreadBuffer& buffer) {
  auto* copy = buffer.at_least<float>(rows * columns);
  from_bf16(matrix, rows, columns, copy);
  return {.data = copy, .stride = columns};
}

// f32 by oneDNN. Packed: op(b) itself, dense.
struct OneDnnF32 {
  static int64_t packed_floats(int64_t N, int64_t K) { return N * K; }
  static void gemm(const GemmDims& n, MatrixView a, MatrixView b, MatrixOut c) {
    onednn_gemm(n, a, b, c);
  }
  static void gemm_bf16(const GemmDims& n, MatrixView a, Bf16View b, MatrixOut c) {
    ThreadBuffer& buffer = FactorBuffers::of_this_thread().b;
    onednn_gemm(n, a, widened(b, rows_of_b(n), columns_of_b(n), buffer), c);
  }
  static void pack(const GemmDims& n, MatrixView b, int64_t begin, int64_t end, float* packed) {
    for (int64_t k = 0; k < n.K; ++k) {
      for (int64_t j = begin; j < end; ++j) {
        packed[k * n.N + j] =
            n.transpose_b == Transpose::kNo ? b.data[k * b.stride + j] : b.data[j * b.stride + k];
      }
    }
  }
  static void gemm_packed(const GemmDims& n, MatrixView a, const float* packed, MatrixOut c) {
    onednn_gemm(with_plain_b(n), a, {.data = packed, .stride = n.N}, c);
  }
};

// bf16 on a CPU without instructions for it: rounded f32, whose products are the same.
struct RoundedF32 {
  static int64_t packed_floats(int64_t N, int64_t K) { return N * K; }
  static MatrixView rounded(MatrixView matrix, int64_t rows, int64_t columns,
                            ThreadBuffer& buffer) {
    auto* copy = buffer.at_least<float>(rows * columns);
    round_to_bf16(matrix, rows, columns, copy);
    return {.data = copy, .stride = columns};
  }
  static void gemm(const GemmDims& n, MatrixView a, MatrixView b, MatrixOut c) {
    FactorBuffers& buffers = FactorBuffers::of_this_thread();
    onednn_gemm(n, rounded(a, rows_of_a(n), columns_of_a(n), buffers.a),
                rounded(b, rows_of_b(n), columns_of_b(n), buffers.b), c);
  }
  static void gemm_bf16(const GemmDims& n, MatrixView a, Bf16View b, MatrixOut c) {
    FactorBuffers& buffers = FactorBuffers::of_this_thread();
    onednn_gemm(n, rounded(a, rows_of_a(n), columns_of_a(n), buffers.a),
                widened(b, rows_of_b(n), columns_of_b(n), buffers.b), c);
  }
  static void pack(const GemmDims& n, MatrixView b, int64_t begin, int64_t end, float* packed) {
    OneDnnF32::pack(n, b, begin, end, packed);
    for (int64_t k = 0; k < n.K; ++k) {
      float* row = packed + k * n.N + begin;
      round_to_bf16({.data = row, .stride = n.N}, 1, end - begin, row);
    }
  }
  static void gemm_packed(const GemmDims& n, MatrixView a, const float* packed, MatrixOut c) {
    FactorBuffers& buffers = FactorBuffers::of_this_thread();
    onednn_gemm(with_plain_b(n), rounded(a, rows_of_a(n), columns_of_a(n), buffers.a),
                MatrixView{.data = packed, .stride = n.N}, c);
  }
};

// bf16 by oneDNN. Packed: op(b) in bf16, dense.
struct OneDnnBf16 {
  static int64_t packed_floats(int64_t N, int64_t K) { return (N * K + 1) / 2; }
  static Bf16View converted(MatrixView matrix, int64_t rows, int64_t columns,
                            ThreadBuffer& buffer) {
    auto* copy = buffer.at_least<uint16_t>(rows * columns);
    to_bf16(matrix, rows, columns, copy);
    return {.data = copy, .stride = columns};
  }
  static void gemm(const GemmDims& n, MatrixView a, MatrixView b, MatrixOut c) {
    FactorBuffers& buffers = FactorBuffers::of_this_thread();
    onednn_gemm(n, converted(a, rows_of_a(n), columns_of_a(n), buffers.a),
                converted(b, rows_of_b(n), columns_of_b(n), buffers.b), c);
  }
  static void gemm_bf16(const GemmDims& n, MatrixView a, Bf16View b, MatrixOut c) {
    ThreadBuffer& buffer = FactorBuffers::of_this_thread().a;
    onednn_gemm(n, converted(a, rows_of_a(n), columns_of_a(n), buffer), b, c);
  }
  static void pack(const GemmDims& n, MatrixView b, int64_t begin, int64_t end, float* packed) {
    auto* out = reinterpret_cast<uint16_t*>(packed);
    if (n.transpose_b == Transpose::kNo) {
      for (int64_t k = 0; k < n.K; ++k) {
        to_bf16({.data = b.data + k * b.stride + begin, .stride = b.stride}, 1, end - begin,
                out + k * n.N + begin);
      }
      return;
    }
    for (int64_t k = 0; k < n.K; ++k) {
      for (int64_t j = begin; j < end; ++j) {
        to_bf16({.data = b.data + j * b.stride + k, .stride = b.stride}, 1, 1, out + k * n.N + j);
      }
    }
  }
  static void gemm_packed(const GemmDims& n, MatrixView a, const float* packed, MatrixOut c) {
    FactorBuffers& buffers = FactorBuffers::of_this_thread();
    onednn_gemm(with_plain_b(n), converted(a, rows_of_a(n), columns_of_a(n), buffers.a),
                Bf16View{.data = reinterpret_cast<const uint16_t*>(packed), .stride = n.N}, c);
  }
};

#ifdef __x86_64__
// Our own tiles. Packed: right panels.
template <const TileSet& (*kTiles)()>
struct Tiled {
  static int64_t packed_floats(int64_t N, int64_t K) { return tiled_packed_floats(kTiles(), N, K); }
  static void gemm(const GemmDims& n, MatrixView a, MatrixView b, MatrixOut c) {
    tiled_gemm(kTiles(), n, a, b, c);
  }
  static void gemm_bf16(const GemmDims& n, MatrixView a, Bf16View b, MatrixOut c) {
    tiled_gemm(kTiles(), n, a, b, c);
  }
  static void pack(const GemmDims& n, MatrixView b, int64_t begin, int64_t end, float* packed) {
    tiled_pack(kTiles(), n, b, begin, end, packed);
  }
  static void gemm_packed(const GemmDims& n, MatrixView a, const float* packed, MatrixOut c) {
    tiled_gemm_packed(kTiles(), n, a, packed, c);
  }
};

// With fewer rows than this, packing b takes longer than oneDNN's product without it.
constexpr int64_t kRowsWorthPacking = 12;

struct TiledF32 : Tiled<avx512_tiles> {
  static void gemm(const GemmDims& n, MatrixView a, MatrixView b, MatrixOut c) {
    n.M < kRowsWorthPacking ? onednn_gemm(n, a, b, c) : tiled_gemm(avx512_tiles(), n, a, b, c);
  }
};
#endif

template <class Way>
Multiplier make(const char* name, DType compute, bool is_native = true) {
  return {.name = name,
          .is_native = is_native,
          .compute = compute,
          .gemm = Way::gemm,
          .gemm_bf16 = Way::gemm_bf16,
          .packed_floats = Way::packed_floats,
          .pack = Way::pack,
          .gemm_packed = Way::gemm_packed};
}

// Measured (decisions/0015): our tiles beat oneDNN's sgemm wherever there is AVX-512; AMX beats
// everything else in bf16; and without an instruction for bf16 it gains nothing.
std::vector<Multiplier> ways_of_this_machine() {
  std::vector<Multiplier> ways;
#ifdef __x86_64__
  const bool has_avx512 = __builtin_cpu_supports("x86-64-v4") != 0;
  const bool has_bf16 = has_avx512 && __builtin_cpu_supports("avx512bf16") != 0;
  const bool has_amx = __builtin_cpu_supports("amx-bf16") != 0;
  if (has_avx512) {
    ways.push_back(make<TiledF32>("f32 tiles", DType::kF32));
  }
  if (has_amx) {
    ways.push_back(make<OneDnnBf16>("bf16 oneDNN", DType::kBf16));
  }
  if (has_bf16) {
    ways.push_back(make<Tiled<avx512_bf16_tiles>>("bf16 tiles", DType::kBf16));
    if (!has_amx) {
      ways.push_back(make<OneDnnBf16>("bf16 oneDNN", DType::kBf16));
    }
  }
#endif
  ways.push_back(make<OneDnnF32>("f32 oneDNN", DType::kF32));
  ways.push_back(make<RoundedF32>("bf16 rounded", DType::kBf16, false));
  return ways;
}

}  // namespace

std::span<const Multiplier> multipliers() {
  static const std::vector<Multiplier> ways = ways_of_this_machine();
  return ways;
}

DType fastest_compute() {
  return multiplier(DType::kBf16).is_native ? DType::kBf16 : DType::kF32;
}

const Multiplier& multiplier(DType compute) {
  const auto ways = multipliers();
  const auto found = std::ranges::find(ways, compute, &Multiplier::compute);
  core::require(found != ways.end(), "matmul: products are computed in f32 or bf16, got {}",
                tensor::name_of(compute));
  return *found;
}

}  // namespace switchyard::ops::linalg
