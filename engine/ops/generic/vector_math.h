#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

// Elementary functions of floats without branches, tables or calls, so that the compiler turns a
// loop over them into vector code. Call them from kernels (sources built with the kernel options),
// best inside a function marked SWITCHYARD_CPU_CLONES. The polynomials are minimax fits of our own;
// errors are given in units in the last place (ulp) over the whole range, denormals included.

namespace switchyard::ops::generic {

#define SWITCHYARD_VECTOR_MATH [[nodiscard, gnu::always_inline]] inline

namespace detail {

inline constexpr float kLog2E = 1.44269504F;
inline constexpr float kLn2High = 0.693145752F;    // ln 2 to 15 bits: times an exponent it is exact
inline constexpr float kLn2Low = 1.42860677e-06F;  // ln 2 - kLn2High
inline constexpr float kRoundToInteger = 12582912;  // 1.5 * 2^23: adding it leaves the integer part
inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// exp(x) = 2^n (1 + q) with q = expm1(x - n ln 2).
struct ExpParts {
  float q;
  uint32_t n;  // two's complement
};

/// Parts of exp(x + low), for a `low` that is small beside x. x in [-110, 90] or NaN.
SWITCHYARD_VECTOR_MATH ExpParts exp_parts(float x, float low) {
  const float shifted = x * kLog2E + kRoundToInteger;
  const float n = shifted - kRoundToInteger;
  const float r = (x - n * kLn2High) - (n * kLn2Low - low);
  float p = 0.00139506288F;
  p = p * r + 0.00836897014F;
  p = p * r + 0.0416662037F;
  p = p * r + 0.166665182F;
  p = p * r + 0.50000001F;
  return {.q = r + r * r * p,
          .n = std::bit_cast<uint32_t>(shifted) - std::bit_cast<uint32_t>(kRoundToInteger)};
}

/// 2^n for n in [-126, 127].
SWITCHYARD_VECTOR_MATH float power_of_two(uint32_t n) {
  return std::bit_cast<float>((n + 127U) << 23U);
}

/// exp(x + low); the power of two is applied in two steps so that denormals and infinity come out.
SWITCHYARD_VECTOR_MATH float exp_of_sum(float x, float low) {
  float clamped = x < -110.0F ? -110.0F : x;
  clamped = clamped > 89.0F ? 89.0F : clamped;
  const ExpParts parts = exp_parts(clamped, low);
  const auto half = static_cast<uint32_t>(static_cast<int32_t>(parts.n) >> 1);
  return ((1.0F + parts.q) * power_of_two(half)) * power_of_two(parts.n - half);
}

/// log(1 + z) for z in [0, 1]: 2 atanh(z / (2 + z)).
SWITCHYARD_VECTOR_MATH float log1p_unit(float z) {
  const float s = z / (2.0F + z);
  const float s2 = s * s;
  float p = 0.217987551F;
  p = p * s2 + 0.171459354F;
  p = p * s2 + 0.223017131F;
  p = p * s2 + 0.285683854F;
  p = p * s2 + 0.400000532F;
  p = p * s2 + 0.666666664F;
  return 2.0F * s + s * s2 * p;
}

/// The pair -a^2 / 2 as a sum of an exact float and a small rest.
struct HalfSquare {
  float high;
  float low;
};
SWITCHYARD_VECTOR_MATH HalfSquare minus_half_square(float a) {
  const float top = std::bit_cast<float>(std::bit_cast<uint32_t>(a) & 0xFFFFF000U);
  return {.high = -0.5F * top * top, .low = -0.5F * (a - top) * (a + top)};
}

}  // namespace detail

/// e^x. At most 2 ulp; overflows to infinity, underflows through the denormals to 0.
SWITCHYARD_VECTOR_MATH float vexp(float x) {
  return detail::exp_of_sum(x, 0.0F);
}

/// Natural logarithm. At most 2 ulp; -infinity at 0, NaN below.
SWITCHYARD_VECTOR_MATH float vlog(float x) {
  constexpr uint32_t kSqrtHalf = 0x3F3504F3U;
  const bool tiny = x < std::numeric_limits<float>::min();
  const float scaled = tiny ? x * 0x1p23F : x;
  const uint32_t bits = std::bit_cast<uint32_t>(scaled);
  const auto exponent = static_cast<int32_t>(bits - kSqrtHalf) >> 23;
  const float m = std::bit_cast<float>(bits - (static_cast<uint32_t>(exponent) << 23U));
  const float e = static_cast<float>(exponent) - (tiny ? 23.0F : 0.0F);
  const float f = m - 1.0F;  // in [sqrt(1/2) - 1, sqrt(2) - 1]
  const float s = f / (2.0F + f);
  const float s2 = s * s;
  float p = 0.23582768F;
  p = p * s2 + 0.28537278F;
  p = p * s2 + 0.400003356F;
  p = p * s2 + 0.666666656F;
  const float half_square = 0.5F * f * f;
  const float rest = s * (half_square + s2 * p) + e * detail::kLn2Low;
  float y = e * detail::kLn2High + (f - (half_square - rest));
  y = x < detail::kInfinity ? y : x;  // infinity and NaN give themselves
  y = x == 0.0F ? -detail::kInfinity : y;
  return x < 0.0F ? detail::kNaN : y;
}

/// Hyperbolic tangent. At most 3 ulp; odd, exact at 0.
SWITCHYARD_VECTOR_MATH float vtanh(float x) {
  const uint32_t sign = std::bit_cast<uint32_t>(x) & 0x80000000U;
  const float a = std::bit_cast<float>(std::bit_cast<uint32_t>(x) ^ sign);
  const float twice = a > 10.0F ? 20.0F : 2.0F * a;
  const detail::ExpParts parts = detail::exp_parts(twice, 0.0F);
  const float scale = detail::power_of_two(parts.n);
  const float t = scale * parts.q + (scale - 1.0F);  // expm1(2a)
  return std::bit_cast<float>(std::bit_cast<uint32_t>(t / (t + 2.0F)) | sign);
}

/// 1 / (1 + e^-x). At most 4 ulp, also far below 0.
SWITCHYARD_VECTOR_MATH float vsigmoid(float x) {
  const float z = vexp(x < 0.0F ? x : -x);
  return (x < 0.0F ? z : 1.0F) / (1.0F + z);
}

/// log(1 + e^x). At most 3 ulp, also far below 0.
SWITCHYARD_VECTOR_MATH float vsoftplus(float x) {
  const float z = vexp(x < 0.0F ? x : -x);
  return (x < 0.0F ? 0.0F : x) + detail::log1p_unit(z);
}

/// Density of N(0, 1). Relative error below 4e-7.
SWITCHYARD_VECTOR_MATH float vnorm_pdf(float x) {
  float a = x < -15.0F ? -15.0F : x;
  a = a > 15.0F ? 15.0F : a;
  const detail::HalfSquare square = detail::minus_half_square(a);
  return 0.398942280F * detail::exp_of_sum(square.high, square.low);
}

/// Cumulative distribution of N(0, 1). Relative error below 6e-7, also in the lower tail.
/// Phi(-a) = phi(a) M(a) / (a + 3), with a polynomial M of (a - 3) / (a + 3).
SWITCHYARD_VECTOR_MATH float vnorm_cdf(float x) {
  float a = x < 0.0F ? -x : x;
  a = a > 14.5F ? 14.5F : a;
  const float inverse = 1.0F / (a + 3.0F);
  const float u = (a - 3.0F) * inverse;
  float p = 0.000136498023F;
  p = p * u + 0.00032900303F;
  p = p * u + -0.000613509911F;
  p = p * u + -0.00258815332F;
  p = p * u + 0.0025687535F;
  p = p * u + 0.0174694501F;
  p = p * u + -0.0262256495F;
  p = p * u + -0.118469989F;
  p = p * u + 0.57656887F;
  p = p * u + -1.27670597F;
  p = p * u + 1.82754179F;
  const float tail = vnorm_pdf(a) * (p * inverse);
  return x < 0.0F ? tail : 1.0F - tail;
}

/// Sine and cosine of 2 pi turns.
struct SinCos {
  float sin;
  float cos;
};

/// turns in [0, 1). Absolute error below 2e-7.
SWITCHYARD_VECTOR_MATH SinCos vsincos_turns(float turns) {
  const float shifted = turns * 4.0F + detail::kRoundToInteger;
  const float f =
      turns * 4.0F - (shifted - detail::kRoundToInteger);  // quarter turns, in [-1/2, 1/2]
  const uint32_t quadrant = std::bit_cast<uint32_t>(shifted);
  const float z = f * f;
  float s = 0.000158206744F;
  s = s * z + -0.00468126648F;
  s = s * z + 0.0796925828F;
  s = s * z + -0.645964096F;
  s = s * z + 1.57079633F;
  s *= f;
  float c = 0.000903631701F;
  c = c * z + -0.0208600713F;
  c = c * z + 0.253669204F;
  c = c * z + -1.23370054F;
  c = c * z + 1.0F;
  const bool swapped = (quadrant & 1U) != 0;
  const float sine = swapped ? c : s;
  const float cosine = swapped ? s : c;
  const uint32_t sine_sign = (quadrant & 2U) << 30U;
  const uint32_t cosine_sign = ((quadrant + 1U) & 2U) << 30U;
  return {.sin = std::bit_cast<float>(std::bit_cast<uint32_t>(sine) ^ sine_sign),
          .cos = std::bit_cast<float>(std::bit_cast<uint32_t>(cosine) ^ cosine_sign)};
}

#undef SWITCHYARD_VECTOR_MATH

}  // namespace switchyard::ops::generic
