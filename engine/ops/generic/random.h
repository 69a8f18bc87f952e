#pragma once

#include "ops/backend.h"
#include "ops/generic/kernels.h"
#include "tensor/out.h"

namespace switchyard::ops::generic {

/// Fills y [T, ...] (f32, contiguous) with random numbers that are addressed, not drawn: element i
/// of row t has the global number n = (token_base + t token_stride) * (elements per row) + i and
/// depends on n, the key and the position alone, so the same element gets the same bits for any
/// slice or number of threads.
/// With w[n] = core::random_word(key, position, n):
///
///   kUniform    a + (b - a) u, in [a, b),        u = core::unit_float(w[n])
///   kNormal     a + b r cos(2 pi v) for even n, a + b r sin(2 pi v) for odd n, with
///               r = sqrt(-2 log(1 - unit_float(w[even]))) and v = unit_float(w[odd]) of the pair
///   kGumbel     a - b log(-log u),               u = ((w[n] >> 9) + 1/2) / 2^23
///   kBernoulli  1 if unit_float(w[n]) < a, else 0
///
/// Throws Error(kInvalidArgument) if y is not such a tensor, or token_base or token_stride is
/// negative; a uniform
/// needs a <= b, a normal and a Gumbel b >= 0, a Bernoulli a in [0, 1]. Asynchronous on the
/// backend's stream. Threads: [inst]. Source: Salmon et al. 2011 (Philox); Box and Muller 1958
/// (normal).
void fill_random(const Backend& backend, const RandomFill& fill, tensor::Out y);

/// y (bf16) = x (f32) rounded up or down at random, so that the mean of many roundings is x: up
/// with the probability (x - below) / (above - below). A random word is enough for two elements:
/// with e = first_element + i, element i takes half h (0 = the low one) of word w of block 64 (e /
/// 512) + e % 64, where h = e / 256 % 2 and w = e / 64 % 4. Infinities and NaN are unchanged.
///
///   x, y  the same shape, contiguous
///
/// Throws Error(kInvalidArgument) for other tensors or a negative first_element. Threads: [inst].
void round_stochastically(const Backend& backend, const StochasticRounding& rounding,
                          const tensor::Tensor& x, tensor::Out y);

}  // namespace switchyard::ops::generic
