#pragma once

#include <array>
#include <cstdint>

namespace switchyard::ops::linalg {

// The innermost part of our own products. A tile is up to kTileRows x kTileColumns of c, held in
// registers while k runs. Its factors come from panels: a left panel holds `rows` columns of
// op(a)^T, a right panel kTileColumns columns of op(b), both [steps][width], so that every step
// reads on. An entry of a panel has 32 bits: one f32, or two bf16 of which the first belongs to the
// even k.

inline constexpr int kTileRows = 14;  // 28 sums of 16 floats, and 4 registers of factors
inline constexpr int kTileColumns = 32;

/// `width` lines of a matrix in f32 or bf16 bits, with `depth` elements along k, that become
/// [steps][panel_width] entries of a panel. Entries past width or depth are zero.
template <typename Element>
struct PanelSource {
  const Element* data = nullptr;
  int64_t stride = 0;
  int64_t depth = 0;
  int width = 0;
  int panel_width = 0;
};

/// Cache lines that a tile prefetches while it computes: `count` of them `step` bytes apart, then
/// the same from the next line on, `lines` times in all.
struct Prefetch {
  const char* from = nullptr;
  int64_t step = 0;
  int64_t count = 1;
  int64_t lines = 0;
};

/// One tile of a product and its panels.
struct Tile {
  int64_t steps = 0;
  const float* left = nullptr;   // [steps][rows]
  const float* right = nullptr;  // [steps][kTileColumns], 64-byte aligned
  float* c = nullptr;
  int64_t stride = 0;  // of c, in floats
  int columns = kTileColumns;
  float alpha = 1.0F;
  float beta = 0.0F;
  bool past_caches = false;  // writes whole lines without reading them first; beta is 0
  Prefetch next;
};

/// Functions that pack a matrix into panels.
template <typename Element>
struct Packing {
  /// element (k, i) of the panel lies at data[k * stride + i]
  void (*rows)(const PanelSource<Element>&, float* panel) = nullptr;
  /// element (k, i) of the panel lies at data[i * stride + k]
  void (*columns)(const PanelSource<Element>&, float* panel) = nullptr;
};

/// The tiles of one instruction set and one type of factors.
struct TileSet {
  int depth_per_step = 1;
  Packing<float> f32;
  Packing<uint16_t> bf16;
  /// c = alpha left^T right + beta c; entry r - 1 is for r rows.
  std::array<void (*)(const Tile&), kTileRows> multiply{};
  /// Orders the stores of tiles that bypassed the caches before all later stores.
  void (*order_stores)() = nullptr;
};

// Call them on a CPU that has the instructions.
[[nodiscard]] const TileSet& avx512_tiles();
[[nodiscard]] const TileSet& avx512_bf16_tiles();

}  // namespace switchyard::ops::linalg
