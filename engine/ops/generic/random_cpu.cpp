#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "ops/clones.h"
#include "ops/generic/kernels.h"
#include "ops/generic/vector_math.h"
#include "ops/generic/walk.h"

namespace switchyard::ops::generic {

namespace {

using tensor::Out;
using tensor::Stream;
using tensor::Tensor;

constexpr int64_t kPhiloxBlocks = 64;            // made together
constexpr int64_t kNumbers = 4 * kPhiloxBlocks;  // in them

// Random words of consecutive Philox blocks, word by word: lane i of words[w] is word w of block i.
struct Words {
  alignas(64) uint32_t words[4][kPhiloxBlocks];
};

// core::philox4x32_10 for kPhiloxBlocks counters side by side. The 32 bits that count are the lower
// ones of 64, so that products need no widening and their halves no packing.
SWITCHYARD_CPU_CLONES void make_words(core::RngKey key, const std::array<uint32_t, 4>& step,
                                      uint64_t first_block, Words& out) {
  constexpr uint64_t kLow = 0xFFFFFFFFU;
  for (int64_t i = 0; i < kPhiloxBlocks; ++i) {
    const uint64_t block = first_block + static_cast<uint64_t>(i);
    uint64_t c0 = block;
    uint64_t c1 = block >> 32U;
    uint64_t c2 = step[2];
    uint64_t c3 = step[3];
    uint32_t k0 = key.k0;
    uint32_t k1 = key.k1;
#pragma GCC unroll 10
    for (int round = 0; round < 10; ++round) {
      const uint64_t p0 = uint64_t{0xD2511F53U} * (c0 & kLow);
      const uint64_t p1 = uint64_t{0xCD9E8D57U} * (c2 & kLow);
      c0 = (p1 >> 32U) ^ c1 ^ k0;
      c1 = p1;
      c2 = (p0 >> 32U) ^ c3 ^ k1;
      c3 = p0;
      k0 += 0x9E3779B9U;
      k1 += 0xBB67AE85U;
    }
    out.words[0][i] = static_cast<uint32_t>(c0);
    out.words[1][i] = static_cast<uint32_t>(c1);
    out.words[2][i] = static_cast<uint32_t>(c2);
    out.words[3][i] = static_cast<uint32_t>(c3);
  }
}

[[gnu::always_inline]] inline float unit(uint32_t word) {
  return static_cast<float>(static_cast<int32_t>(word >> 8U)) * 0x1p-24F;
}

struct Scale {
  float a;
  float b;
  float below_b;  // the largest float below b, for uniform numbers
};

[[gnu::always_inline]] inline float one_number(Distribution distribution, Scale s, uint32_t word) {
  if (distribution == Distribution::kUniform) {
    const float v = s.a + (s.b - s.a) * unit(word);
    return v > s.below_b ? s.below_b : v;
  }
  if (distribution == Distribution::kGumbel) {
    const float u = (static_cast<float>(static_cast<int32_t>(word >> 9U)) + 0.5F) * 0x1p-23F;
    return s.a - s.b * vlog(-vlog(u));
  }
  return unit(word) < s.a ? 1.0F : 0.0F;
}

template <Distribution kDistribution>
[[gnu::always_inline]] inline void singles(Scale s, const Words& words, float* out) {
  for (int64_t w = 0; w < 4; ++w) {
    for (int64_t i = 0; i < kPhiloxBlocks; ++i) {
      out[4 * i + w] = one_number(kDistribution, s, words.words[w][i]);
    }
  }
}

[[gnu::always_inline]] inline void normal_pairs(Scale s, const Words& words, float* out) {
  for (int64_t w = 0; w < 4; w += 2) {
    for (int64_t i = 0; i < kPhiloxBlocks; ++i) {
      const float radius = std::sqrt(-2.0F * vlog(1.0F - unit(words.words[w][i])));
      const SinCos angle = vsincos_turns(unit(words.words[w + 1][i]));
      out[4 * i + w] = s.a + s.b * radius * angle.cos;
      out[4 * i + w + 1] = s.a + s.b * radius * angle.sin;
    }
  }
}

// Always computes all kNumbers, so that a number never depends on where a slice begins or ends.
SWITCHYARD_CPU_CLONES void make_numbers(Distribution distribution, Scale s, const Words& words,
                                        float* out) {
  switch (distribution) {
    case Distribution::kUniform:
      return singles<Distribution::kUniform>(s, words, out);
    case Distribution::kNormal:
      return normal_pairs(s, words, out);
    case Distribution::kGumbel:
      return singles<Distribution::kGumbel>(s, words, out);
    case Distribution::kBernoulli:
      return singles<Distribution::kBernoulli>(s, words, out);
  }
}

Scale scale_of(const RandomFill& fill) {
  const auto a = static_cast<float>(fill.a);
  const auto b = static_cast<float>(fill.b);
  return {.a = a, .b = b, .below_b = a < b ? std::nextafter(b, a) : b};
}

// Groups of numbers that elements [first, first + count) touch.
int64_t groups_of(int64_t first, int64_t count) {
  return (first + count + kNumbers - 1) / kNumbers - first / kNumbers;
}

// Of elements [first, first + count), which lie at `data`, those in the groups [from, to) of them.
void fill_groups(const RandomFill& fill, int64_t first, int64_t count, int64_t from, int64_t to,
                 float* data) {
  const std::array<uint32_t, 4> counter = core::rng_counter(fill.position, 0);
  const Scale scale = scale_of(fill);
  Words words;
  alignas(64) float numbers[kNumbers];
  for (int64_t group = first / kNumbers + from; group < first / kNumbers + to; ++group) {
    make_words(fill.key, counter, static_cast<uint64_t>(group * kPhiloxBlocks), words);
    make_numbers(fill.distribution, scale, words, numbers);
    const int64_t begin = std::max(group * kNumbers, first);
    const int64_t stop = std::min((group + 1) * kNumbers, first + count);
    std::copy(numbers + (begin - group * kNumbers), numbers + (stop - group * kNumbers),
              data + (begin - first));
  }
}

void random_fill(const Stream& stream, const RandomFill& fill, Out y) {
  const int64_t count = y->count();
  if (count == 0) {
    return;
  }
  const int64_t rows = y->dim() == 0 ? 1 : y->size(0);
  const int64_t row = count / rows;
  float* data = y->data<float>();
  if (fill.token_stride == 1) {
    const int64_t first = fill.token_base * row;
    for_each_range(stream, groups_of(first, count), kNumbers, [&](int64_t from, int64_t to) {
      fill_groups(fill, first, count, from, to, data);
    });
    return;
  }
  for_each_range(stream, rows, std::max(row, kNumbers), [&](int64_t from, int64_t to) {
    for (int64_t t = from; t < to; ++t) {
      const int64_t first = (fill.token_base + t * fill.token_stride) * row;
      fill_groups(fill, first, row, 0, groups_of(first, row), data + t * row);
    }
  });
}

// Adds a random number below one unit of the last kept bit and cuts off the rest, which rounds up
// with a probability equal to the fraction that is cut off.
[[gnu::always_inline]] inline uint16_t round_bits(float v, uint32_t word) {
  const uint32_t bits = std::bit_cast<uint32_t>(v);
  const bool is_finite = (bits & 0x7F800000U) != 0x7F800000U;
  const uint32_t nan_bit = v != v ? 0x40U : 0U;
  return static_cast<uint16_t>(((bits + (is_finite ? word & 0xFFFFU : 0U)) >> 16U) | nan_bit);
}

// A word has the bits for two elements.
constexpr int64_t kRounded = 2 * kNumbers;

// Element 256 h + 64 w + i of a group takes half h of word w of block i, so that neighbours lie in
// neighbouring lanes.
SWITCHYARD_CPU_CLONES void round_group(const Words& words, const float* x, tensor::Bf16* y) {
  for (int64_t run = 0; run < kRounded / kPhiloxBlocks; ++run) {
    const uint32_t* bits = words.words[run % 4];
    const uint32_t shift = run < 4 ? 0 : 16;
    for (int64_t i = 0; i < kPhiloxBlocks; ++i) {
      y[i].bits = round_bits(x[i], bits[i] >> shift);
    }
    x += kPhiloxBlocks;
    y += kPhiloxBlocks;
  }
}

// Elements [begin, end) of a group, which lie at x and y.
void round_part(const Words& words, int64_t begin, int64_t end, const float* x, tensor::Bf16* y) {
  for (int64_t i = begin; i < end; ++i) {
    const uint32_t word = words.words[i / kPhiloxBlocks % 4][i % kPhiloxBlocks];
    y[i - begin].bits = round_bits(x[i - begin], i < kNumbers ? word : word >> 16U);
  }
}

void round_stochastically(const Stream& stream, const StochasticRounding& rounding, const Tensor& x,
                          Out y) {
  const int64_t first = rounding.first_element;
  const int64_t end = first + x.count();
  const int64_t first_group = first / kRounded;
  const int64_t groups = (end + kRounded - 1) / kRounded - first_group;
  const std::array<uint32_t, 4> counter = core::rng_counter(rounding.position, 0);
  const float* from = x.data<float>();
  tensor::Bf16* to = y->data<tensor::Bf16>();
  for_each_range(stream, groups, kRounded, [&](int64_t begin, int64_t stop) {
    Words words;
    for (int64_t group = first_group + begin; group < first_group + stop; ++group) {
      make_words(rounding.key, counter, static_cast<uint64_t>(group * kPhiloxBlocks), words);
      const int64_t start = group * kRounded;
      if (start >= first && start + kRounded <= end) {
        round_group(words, from + (start - first), to + (start - first));
      } else {
        const int64_t low = std::max(start, first);
        round_part(words, low - start, std::min(start + kRounded, end) - start,
                   from + (low - first), to + (low - first));
      }
    }
  });
}

}  // namespace

void add_random_cpu(Kernels& kernels) {
  kernels.random_fill = random_fill;
  kernels.round_stochastically = round_stochastically;
}

}  // namespace switchyard::ops::generic
