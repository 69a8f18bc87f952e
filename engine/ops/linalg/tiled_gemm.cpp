#include "ops/linalg/tiled_gemm.h"

#include <algorithm>
#include <utility>

#include "ops/linalg/thread_buffer.h"

namespace switchyard::ops::linalg {

namespace {

// A right panel of kMostSteps is 64 KiB: with the left panels of a hundred rows it stays in a
// second-level cache of 1 MiB. More rows come from the third level, in a stream.
constexpr int64_t kMostSteps = 512;
constexpr int64_t kMostRows = 2048;
constexpr int64_t kLineBytes = 64;
constexpr int64_t kStepGrain = 16;  // what pack_columns() moves at once

int64_t ceil_div(int64_t value, int64_t by) {
  return (value + by - 1) / by;
}

int64_t round_up(int64_t value, int64_t multiple) {
  return ceil_div(value, multiple) * multiple;
}

// The number of elements of k that are packed at once: parts of nearly equal length.
int64_t depth_of_block(const TileSet& tiles, int64_t K) {
  const int64_t steps = ceil_div(K, tiles.depth_per_step);
  const int64_t blocks = std::max<int64_t>(1, ceil_div(steps, kMostSteps));
  return round_up(ceil_div(steps, blocks), kStepGrain) * tiles.depth_per_step;
}

int64_t steps_of(const TileSet& tiles, int64_t depth) {
  return ceil_div(depth, tiles.depth_per_step);
}

// m rows as tiles of nearly equal height.
struct RowTiles {
  explicit RowTiles(int64_t m)
      : count(ceil_div(m, kTileRows)), height(m / count), higher(m % count) {}
  [[nodiscard]] int64_t begin(int64_t i) const { return i * height + std::min(i, higher); }
  [[nodiscard]] int rows(int64_t i) const { return static_cast<int>(height + (i < higher)); }

  int64_t count;
  int64_t height;
  int64_t higher;  // number of tiles, the first ones, with one row more
};

struct PanelBuffers {
  ThreadBuffer left;
  ThreadBuffer right;

  static PanelBuffers& of_this_thread() {
    thread_local PanelBuffers buffers;
    return buffers;
  }
};

const Packing<float>& packing_of(const TileSet& tiles, MatrixView /*matrix*/) {
  return tiles.f32;
}

const Packing<uint16_t>& packing_of(const TileSet& tiles, Bf16View /*matrix*/) {
  return tiles.bf16;
}

// Where the line `line` of op(b), from its element k on, lies.
template <class View>
auto at(View b, Transpose transpose, int64_t line, int64_t k) {
  return b.data + (transpose == Transpose::kNo ? k * b.stride + line : line * b.stride + k);
}

// Columns [column, column + width) and elements [k, k + depth) of op(b) into a right panel.
template <class View>
void pack_right(const TileSet& tiles, Transpose transpose, View b, int64_t column, int width,
                int64_t k, int64_t depth, float* panel) {
  const PanelSource source = {.data = at(b, transpose, column, k),
                              .stride = b.stride,
                              .depth = depth,
                              .width = width,
                              .panel_width = kTileColumns};
  const auto& packing = packing_of(tiles, b);
  (transpose == Transpose::kNo ? packing.rows : packing.columns)(source, panel);
}

// One block of a product: m rows, all columns, `depth` elements of k.
template <class View>
struct Block {
  const TileSet* tiles = nullptr;
  Transpose transpose_a = Transpose::kNo;
  Transpose transpose_b = Transpose::kNo;
  MatrixView a;                   // from the block's first row and first k
  View b;                         // from the first column and the block's first k; or
  const float* packed = nullptr;  // the block's right panels
  MatrixOut c;
  int64_t m = 0;
  int64_t N = 0;
  int64_t depth = 0;
  float alpha = 1.0F;
  float beta = 0.0F;
  bool past_caches = false;

  [[nodiscard]] int64_t steps() const { return steps_of(*tiles, depth); }
};

template <class View>
void pack_left_tile(const Block<View>& block, const RowTiles& rows, int64_t tile, int64_t k,
                    int64_t depth, float* left) {
  const bool is_plain = block.transpose_a == Transpose::kNo;
  const int64_t row = rows.begin(tile);
  const int height = rows.rows(tile);
  const PanelSource source = {
      .data = block.a.data + (is_plain ? row * block.a.stride + k : k * block.a.stride + row),
      .stride = block.a.stride,
      .depth = depth,
      .width = height,
      .panel_width = height};
  float* panel = left + row * block.steps() + k / block.tiles->depth_per_step * height;
  const Packing<float>& packing = block.tiles->f32;
  (is_plain ? packing.columns : packing.rows)(source, panel);
}

// Rows of a^T are read side by side while they are in the cache, so they go a few at a time.
template <class View>
void pack_left(const Block<View>& block, const RowTiles& rows, float* left) {
  const bool is_plain = block.transpose_a == Transpose::kNo;
  const int64_t at_once = is_plain ? block.depth : kStepGrain * block.tiles->depth_per_step;
  for (int64_t k = 0; k < block.depth; k += at_once) {
    for (int64_t tile = 0; tile < rows.count; ++tile) {
      pack_left_tile(block, rows, tile, k, std::min(at_once, block.depth - k), left);
    }
  }
}

// The next right panel. Unless the whole factor is packed already, it is packed slice by slice
// between the tiles. The tile before a slice prefetches its lines, so that memory works while the
// registers do.
template <class View>
class NextPanel {
 public:
  NextPanel(const Block<View>& block, int64_t column, int64_t num_slices, float* panel)
      : block_(block), column_(column), panel_(panel) {
    width_ = static_cast<int>(std::min<int64_t>(kTileColumns, block.N - column));
    if (width_ > 0) {
      depth_per_slice_ =
          round_up(ceil_div(block.steps(), num_slices), kStepGrain) * block.tiles->depth_per_step;
    }
  }

  [[nodiscard]] Prefetch prefetch(int64_t slice) const {
    const int64_t depth = depth_of(slice);
    const int64_t k = slice * depth_per_slice_;
    if (depth <= 0) {
      return {.from = reinterpret_cast<const char*>(panel_)};
    }
    if (block_.packed != nullptr) {
      return prefetch_packed(k / block_.tiles->depth_per_step, steps_of(*block_.tiles, depth));
    }
    const auto* from = at(block_.b, block_.transpose_b, column_, k);
    const bool is_plain = block_.transpose_b == Transpose::kNo;
    constexpr int64_t kBytes = sizeof(*from);
    const int64_t bytes = (is_plain ? width_ : depth) * kBytes;
    const auto past_line = static_cast<int64_t>(reinterpret_cast<uintptr_t>(from) % kLineBytes);
    return {.from = reinterpret_cast<const char*>(from),
            .step = block_.b.stride * kBytes,
            .count = is_plain ? depth : width_,
            .lines = ceil_div(past_line + bytes, kLineBytes)};
  }

  void pack(int64_t slice) const {
    const int64_t depth = depth_of(slice);
    if (depth > 0 && block_.packed == nullptr) {
      const int64_t k = slice * depth_per_slice_;
      pack_right(*block_.tiles, block_.transpose_b, block_.b, column_, width_, k, depth,
                 panel_ + k / block_.tiles->depth_per_step * kTileColumns);
    }
  }

 private:
  [[nodiscard]] Prefetch prefetch_packed(int64_t step, int64_t steps) const {
    const float* from = block_.packed + column_ * block_.steps() + step * kTileColumns;
    return {.from = reinterpret_cast<const char*>(from),
            .step = kLineBytes,
            .count = steps * kTileColumns * int64_t{sizeof(float)} / kLineBytes,
            .lines = 1};
  }
  [[nodiscard]] int64_t depth_of(int64_t slice) const {
    return std::min(depth_per_slice_, block_.depth - slice * depth_per_slice_);
  }

  const Block<View>& block_;
  int64_t column_;
  float* panel_;
  int width_ = 0;
  int64_t depth_per_slice_ = 0;
};

template <class View>
void multiply_block(const Block<View>& block) {
  const int64_t steps = block.steps();
  const RowTiles rows(block.m);
  PanelBuffers& buffers = PanelBuffers::of_this_thread();
  float* left = buffers.left.at_least<float>(block.m * steps);
  float* right = buffers.right.at_least<float>(2 * steps * kTileColumns);
  float* next = right + steps * kTileColumns;
  pack_left(block, rows, left);
  if (block.packed == nullptr) {
    NextPanel(block, 0, 1, right).pack(0);
  }
  for (int64_t column = 0; column < block.N; column += kTileColumns) {
    const NextPanel next_panel(block, column + kTileColumns, rows.count, next);
    Tile tile = {.steps = steps,
                 .right = block.packed == nullptr ? right : block.packed + column * steps,
                 .stride = block.c.stride,
                 .columns = static_cast<int>(std::min<int64_t>(kTileColumns, block.N - column)),
                 .alpha = block.alpha,
                 .beta = block.beta};
    tile.past_caches = block.past_caches && tile.columns == kTileColumns;
    for (int64_t i = 0; i < rows.count; ++i) {
      tile.left = left + rows.begin(i) * steps;
      tile.c = block.c.data + rows.begin(i) * block.c.stride + column;
      tile.next = next_panel.prefetch(i);
      block.tiles->multiply[static_cast<size_t>(rows.rows(i) - 1)](tile);
      next_panel.pack(i);
    }
    std::swap(right, next);
  }
}

void scale(const GemmDims& n, MatrixOut c) {
  for (int64_t i = 0; i < n.M; ++i) {
    float* row = c.data + i * c.stride;
    std::transform(row, row + n.N, row,
                   [&](float value) { return n.beta == 0.0F ? 0.0F : n.beta * value; });
  }
}

// Stores past the caches write whole aligned lines, once.
bool can_go_past_caches(const GemmDims& n, int64_t depth, MatrixOut c) {
  const auto misaligned = reinterpret_cast<uintptr_t>(c.data) % kLineBytes +
                          static_cast<uintptr_t>(c.stride * int64_t{sizeof(float)} % kLineBytes);
  return n.past_caches && n.beta == 0.0F && n.K <= depth && misaligned == 0;
}

// Exactly one of b and packed is given.
template <class View>
void multiply_all(const TileSet& tiles, const GemmDims& n, MatrixView a, View b,
                  const float* packed, MatrixOut c) {
  if (n.K == 0) {
    scale(n, c);
    return;
  }
  const int64_t depth = depth_of_block(tiles, n.K);
  const int64_t row_blocks = std::max<int64_t>(1, ceil_div(n.M, kMostRows));
  const int64_t rows = std::max<int64_t>(1, ceil_div(n.M, row_blocks));
  const int64_t padded_columns = round_up(n.N, kTileColumns);
  const bool past_caches = can_go_past_caches(n, depth, c);
  for (int64_t k = 0; k < n.K; k += depth) {
    for (int64_t row = 0; row < n.M; row += rows) {
      const bool a_is_plain = n.transpose_a == Transpose::kNo;
      Block<View> block = {
          .tiles = &tiles,
          .transpose_a = n.transpose_a,
          .transpose_b = n.transpose_b,
          .a = {.data = a.data + (a_is_plain ? row * a.stride + k : k * a.stride + row),
                .stride = a.stride},
          .c = {.data = c.data + row * c.stride, .stride = c.stride},
          .m = std::min(rows, n.M - row),
          .N = n.N,
          .depth = std::min(depth, n.K - k),
          .alpha = n.alpha,
          .beta = k == 0 ? n.beta : 1.0F,
          .past_caches = past_caches};
      if (packed != nullptr) {
        block.packed = packed + steps_of(tiles, k) * padded_columns;
      } else {
        block.b = {.data = at(b, n.transpose_b, 0, k), .stride = b.stride};
      }
      multiply_block(block);
    }
  }
  if (past_caches) {
    tiles.order_stores();
  }
}

}  // namespace

void tiled_gemm(const TileSet& tiles, const GemmDims& n, MatrixView a, MatrixView b, MatrixOut c) {
  multiply_all(tiles, n, a, b, nullptr, c);
}

void tiled_gemm(const TileSet& tiles, const GemmDims& n, MatrixView a, Bf16View b, MatrixOut c) {
  multiply_all(tiles, n, a, b, nullptr, c);
}

int64_t tiled_left_floats(int64_t rows) {
  return std::min(rows, kMostRows) * kMostSteps;
}

int64_t tiled_packed_floats(const TileSet& tiles, int64_t N, int64_t K) {
  return round_up(N, kTileColumns) * steps_of(tiles, K);
}

void tiled_pack(const TileSet& tiles, const GemmDims& n, MatrixView b, int64_t begin, int64_t end,
                float* packed) {
  const int64_t depth = depth_of_block(tiles, n.K);
  for (int64_t k = 0; k < n.K; k += depth) {
    const int64_t block_depth = std::min(depth, n.K - k);
    float* block = packed + steps_of(tiles, k) * round_up(n.N, kTileColumns);
    for (int64_t column = begin; column < end; column += kTileColumns) {
      const int width = static_cast<int>(std::min<int64_t>(kTileColumns, end - column));
      pack_right(tiles, n.transpose_b, b, column, width, k, block_depth,
                 block + column * steps_of(tiles, block_depth));
    }
  }
}

void tiled_gemm_packed(const TileSet& tiles, const GemmDims& n, MatrixView a, const float* packed,
                       MatrixOut c) {
  multiply_all(tiles, n, a, MatrixView{}, packed, c);
}

}  // namespace switchyard::ops::linalg
