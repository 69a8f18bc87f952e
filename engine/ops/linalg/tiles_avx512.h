#pragma once

// Included by the files that are compiled for AVX-512, once per type of factors. They call no
// function of the standard library: one that is not inlined would be compiled for AVX-512 and could
// be the copy that the linker keeps for the whole program.

#include <immintrin.h>
#include <utility>

#include "ops/linalg/tiles.h"

// NOLINTBEGIN(portability-simd-intrinsics): one instruction set is what these files are for.
namespace switchyard::ops::linalg {
namespace {

constexpr int kLanes = 16;

// The first `count` of 16 lanes.
inline __mmask16 first_lanes(int64_t count) {
  return static_cast<__mmask16>(count >= kLanes ? 0xffffU : (1U << (count < 0 ? 0 : count)) - 1U);
}

// rows[i] lane j <-> rows[j] lane i, in 32-bit lanes.
inline void transpose(__m512i rows[kLanes]) {
  __m512i t[kLanes];
#pragma GCC unroll 8
  for (int i = 0; i < kLanes; i += 2) {
    t[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
  }
  // rows[4 g + c] gets columns c, 4 + c, 8 + c and 12 + c of rows 4 g ... 4 g + 3.
#pragma GCC unroll 4
  for (int i = 0; i < kLanes; i += 4) {
    rows[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    rows[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    rows[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    rows[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) {
    const __m512i low_even = _mm512_shuffle_i32x4(rows[c], rows[4 + c], 0x88);
    const __m512i low_odd = _mm512_shuffle_i32x4(rows[c], rows[4 + c], 0xdd);
    const __m512i high_even = _mm512_shuffle_i32x4(rows[8 + c], rows[12 + c], 0x88);
    const __m512i high_odd = _mm512_shuffle_i32x4(rows[8 + c], rows[12 + c], 0xdd);
    t[c] = _mm512_shuffle_i32x4(low_even, high_even, 0x88);
    t[4 + c] = _mm512_shuffle_i32x4(low_odd, high_odd, 0x88);
    t[8 + c] = _mm512_shuffle_i32x4(low_even, high_even, 0xdd);
    t[12 + c] = _mm512_shuffle_i32x4(low_odd, high_odd, 0xdd);
  }
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) {
    rows[i] = t[i];
  }
}

inline __mmask32 first_words(int64_t count) {
  return count >= 2 * kLanes ? 0xffffffffU : (1U << (count < 0 ? 0 : count)) - 1U;
}

// Words of 16 bits as the lower halves of lanes.
inline __m512i load_words(__mmask16 lanes, const uint16_t* words) {
  return _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(lanes, words));
}

// How entries of a panel are made and multiplied.
struct F32Entries {
  static constexpr int kDepth = 1;
  // Lanes [0, width) of step k, from rows of the source.
  static __m512i from_rows(const float* row, int64_t /*stride*/, int64_t /*depth_left*/,
                           __mmask16 lanes) {
    return _mm512_maskz_loadu_epi32(lanes, row);
  }
  static __m512i from_rows(const uint16_t* row, int64_t /*stride*/, int64_t /*depth_left*/,
                           __mmask16 lanes) {
    return _mm512_slli_epi32(load_words(lanes, row), 16);
  }
  // 16 steps from one line of the source.
  static __m512i from_line(const float* line, int64_t depth_left) {
    return _mm512_maskz_loadu_epi32(first_lanes(depth_left), line);
  }
  static __m512i from_line(const uint16_t* line, int64_t depth_left) {
    return _mm512_slli_epi32(load_words(first_lanes(depth_left), line), 16);
  }
  static __m512 multiply_add(__m512i a, __m512i b, __m512 sum) {
    return _mm512_fmadd_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b), sum);
  }
};

#ifdef __AVX512BF16__
// The same for bf16: an entry holds two elements of k.
struct Bf16Entries {
  static constexpr int kDepth = 2;
  static __m512i from_rows(const float* row, int64_t stride, int64_t depth_left, __mmask16 lanes) {
    const __m512 even = _mm512_maskz_loadu_ps(lanes, row);
    const __m512 odd =
        depth_left > 1 ? _mm512_maskz_loadu_ps(lanes, row + stride) : _mm512_setzero_ps();
    const auto halves = __builtin_bit_cast(__m512i, _mm512_cvtne2ps_pbh(odd, even));
    return _mm512_permutexvar_epi16(interleaving(), halves);
  }
  static __m512i from_rows(const uint16_t* row, int64_t stride, int64_t depth_left,
                           __mmask16 lanes) {
    const __m512i even = load_words(lanes, row);
    const __m512i odd = depth_left > 1 ? load_words(lanes, row + stride) : _mm512_setzero_si512();
    return _mm512_or_si512(even, _mm512_slli_epi32(odd, 16));
  }
  // Word 2 i is word i of the lower half, word 2 i + 1 that of the upper.
  static __m512i interleaving() {
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return _mm512_or_si512(
        lanes, _mm512_slli_epi32(_mm512_add_epi32(lanes, _mm512_set1_epi32(kLanes)), 16));
  }
  static __m512i from_line(const float* line, int64_t depth_left) {
    const __m512 first = _mm512_maskz_loadu_ps(first_lanes(depth_left), line);
    const __m512 second = _mm512_maskz_loadu_ps(first_lanes(depth_left - kLanes), line + kLanes);
    return __builtin_bit_cast(__m512i, _mm512_cvtne2ps_pbh(second, first));
  }
  static __m512i from_line(const uint16_t* line, int64_t depth_left) {
    return _mm512_maskz_loadu_epi16(first_words(depth_left), line);
  }
  static __m512 multiply_add(__m512i a, __m512i b, __m512 sum) {
    return _mm512_dpbf16_ps(sum, __builtin_bit_cast(__m512bh, a), __builtin_bit_cast(__m512bh, b));
  }
};
#endif

template <class Entries, typename Element>
void pack_rows(const PanelSource<Element>& from, float* panel) {
  const __mmask16 read[2] = {first_lanes(from.width), first_lanes(from.width - kLanes)};
  const __mmask16 write[2] = {first_lanes(from.panel_width),
                              first_lanes(from.panel_width - kLanes)};
  const Element* row = from.data;
  for (int64_t k = 0; k < from.depth; k += Entries::kDepth) {
    _mm512_mask_storeu_epi32(panel, write[0],
                             Entries::from_rows(row, from.stride, from.depth - k, read[0]));
    if (write[1] != 0) {
      _mm512_mask_storeu_epi32(
          panel + kLanes, write[1],
          Entries::from_rows(row + kLanes, from.stride, from.depth - k, read[1]));
    }
    row += Entries::kDepth * from.stride;
    panel += from.panel_width;
  }
}

// 16 lines at a time, of which `width` are there and `panel_width` are written.
template <class Entries, typename Element>
inline void pack_lines(const PanelSource<Element>& from, int width, int panel_width, float* panel) {
  constexpr int64_t kBlock = int64_t{kLanes} * Entries::kDepth;
  const __mmask16 write = first_lanes(panel_width);
  for (int64_t k = 0; k < from.depth; k += kBlock) {
    __m512i block[kLanes];
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) {
      block[i] = i < width ? Entries::from_line(from.data + i * from.stride + k, from.depth - k)
                           : _mm512_setzero_si512();
    }
    transpose(block);
    const int64_t steps = (from.depth - k + Entries::kDepth - 1) / Entries::kDepth;
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) {
      if (i < steps) {
        _mm512_mask_storeu_epi32(panel + i * from.panel_width, write, block[i]);
      }
    }
    panel += kLanes * from.panel_width;
  }
}

template <class Entries, typename Element>
void pack_columns(const PanelSource<Element>& from, float* panel) {
  PanelSource<Element> lines = from;
  for (int first = 0; first < from.panel_width; first += kLanes) {
    pack_lines<Entries>(lines, from.width - first, from.panel_width - first, panel + first);
    lines.data += kLanes * from.stride;
  }
}

// The sums of a tile of kRows rows, in registers.
template <class Entries, int kRows>
struct Sums {
  __m512 low[kRows];
  __m512 high[kRows];

  void clear() {
#pragma GCC unroll 14
    for (int i = 0; i < kRows; ++i) {
      low[i] = _mm512_setzero_ps();
      high[i] = _mm512_setzero_ps();
    }
  }
  void step(const float* left, const float* right) {
    const __m512i b_low = _mm512_load_si512(right);
    const __m512i b_high = _mm512_load_si512(right + kLanes);
#pragma GCC unroll 14
    for (int i = 0; i < kRows; ++i) {
      const __m512i a = _mm512_castps_si512(_mm512_set1_ps(left[i]));
      low[i] = Entries::multiply_add(a, b_low, low[i]);
      high[i] = Entries::multiply_add(a, b_high, high[i]);
    }
  }
  void write_past_caches(const Tile& t) const {
    const __m512 alpha = _mm512_set1_ps(t.alpha);
#pragma GCC unroll 14
    for (int i = 0; i < kRows; ++i) {
      float* c = t.c + i * t.stride;
      _mm512_stream_ps(c, _mm512_mul_ps(low[i], alpha));
      _mm512_stream_ps(c + kLanes, _mm512_mul_ps(high[i], alpha));
    }
  }
  void write(const Tile& t) const {
    if (t.past_caches) {
      write_past_caches(t);
      return;
    }
    const __mmask16 mask[2] = {first_lanes(t.columns), first_lanes(t.columns - kLanes)};
    const __m512 alpha = _mm512_set1_ps(t.alpha);
    const __m512 beta = _mm512_set1_ps(t.beta);
    const bool adds = t.beta != 0.0F;
#pragma GCC unroll 14
    for (int i = 0; i < kRows; ++i) {
      float* c = t.c + i * t.stride;
      __m512 first = _mm512_mul_ps(low[i], alpha);
      __m512 second = _mm512_mul_ps(high[i], alpha);
      if (adds) {
        first = _mm512_fmadd_ps(beta, _mm512_maskz_loadu_ps(mask[0], c), first);
        second = _mm512_fmadd_ps(beta, _mm512_maskz_loadu_ps(mask[1], c + kLanes), second);
      }
      _mm512_mask_storeu_ps(c, mask[0], first);
      _mm512_mask_storeu_ps(c + kLanes, mask[1], second);
    }
  }
};

// Walks over the lines of a Prefetch, one per step, and stops at the last.
class Prefetcher {
 public:
  explicit Prefetcher(const Prefetch& wanted)
      : line_(wanted.from),
        next_(wanted.from),
        step_(wanted.lines > 0 ? wanted.step : 0),
        count_(wanted.count),
        left_(wanted.count),
        lines_(wanted.lines) {}
  void ask() {
    _mm_prefetch(next_, _MM_HINT_T1);
    next_ += step_;
    if (--left_ == 0) {
      left_ = count_;
      line_ += lines_ > 1 ? kLineBytes : 0;
      step_ = lines_ > 1 ? step_ : 0;
      next_ = line_;
      --lines_;
    }
  }

 private:
  static constexpr int64_t kLineBytes = 64;
  const char* line_;
  const char* next_;
  int64_t step_;
  int64_t count_;
  int64_t left_;
  int64_t lines_;
};

// The first steps prefetch the tile's own lines of c, one row each; the others what the caller
// packs next.
template <class Entries, int kRows>
void multiply(const Tile& t) {
  Sums<Entries, kRows> sums;
  sums.clear();
  const float* left = t.left;
  const float* right = t.right;
  const float* c = t.c;
  const int64_t asked = t.past_caches ? 0 : kRows;
  const int64_t lead = t.steps < asked ? t.steps : asked;
  int64_t k = 0;
  for (; k < lead; ++k) {
    __builtin_prefetch(c, 1);
    __builtin_prefetch(c + kLanes, 1);
    c += t.stride;
    sums.step(left, right);
    left += kRows;
    right += kTileColumns;
  }
  Prefetcher next(t.next);
  for (; k < t.steps; ++k) {
    for (int i = 0; i < Entries::kDepth; ++i) {
      next.ask();
    }
    sums.step(left, right);
    left += kRows;
    right += kTileColumns;
  }
  sums.write(t);
}

inline void order_stores() {
  _mm_sfence();
}

template <class Entries, int... kIndex>
constexpr TileSet tile_set(std::integer_sequence<int, kIndex...> /*rows*/) {
  return {
      .depth_per_step = Entries::kDepth,
      .f32 = {.rows = pack_rows<Entries, float>, .columns = pack_columns<Entries, float>},
      .bf16 = {.rows = pack_rows<Entries, uint16_t>, .columns = pack_columns<Entries, uint16_t>},
      .multiply = {multiply<Entries, kIndex + 1>...},
      .order_stores = order_stores};
}

}  // namespace
}  // namespace switchyard::ops::linalg
// NOLINTEND(portability-simd-intrinsics)
