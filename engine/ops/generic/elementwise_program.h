#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ops/generic/elementwise.h"

namespace switchyard::ops::generic::cpu {

/// What one pass over a block of elements does. `S` stands for an operand that is one number k.
enum class EwLoop : uint8_t {
  kCopy,   // d = a
  kFillS,  // d = k
  kFillA,  // d = a[0]
  kAdd,
  kAddS,  // a + k
  kSub,
  kSubS,   // a - k
  kSFrom,  // k - a
  kMul,
  kMulS,  // a k
  kDiv,
  kDivS,   // a / k
  kSOver,  // k / a
  kMax,
  kMin,
  kFma,      // old + a b
  kFmaS,     // old + a k
  kAxpby,    // a k + b k2
  kSubMulS,  // a - b k
  kSqrt,
  kSqrtAddS,  // sqrt(a) + k
  kRsqrt,
  kExp,
  kLog,
  kTanh,
  kAbs,
  kSign,
  kSelect  // a > 0 ? b : old
};

/// Where the values of a register are: all the same number, in a tensor, or in a buffer.
struct EwPlace {
  float* io = nullptr;        // elements of the whole tensor
  int64_t matrix_stride = 0;  // to the next matrix and row of it; 0 where they repeat
  int64_t row_stride = 0;
  int8_t buffer = -1;
  bool is_number = false;
  float number = 0.0F;
};

struct EwStep {
  EwLoop loop = EwLoop::kCopy;
  EwPlace d{};
  EwPlace a{};
  EwPlace b{};
  EwPlace old{};
  float k = 0.0F;
  float k2 = 0.0F;
};

/// What a program runs over: the elements of tensors of one shape, the rows of matrices [G,P,Q]
/// with tensors that may repeat along an axis, or rows of which some tensors have more. Of the
/// last, matrix_stride leads to the next row of a tensor with more, row_stride to that of the
/// others.
enum class EwDomain : uint8_t { kElements, kMatrices, kRows };

/// Turns a checked program into passes. Numbers are not spread over registers, loaded registers
/// stay in their tensors, results go to where they are stored, and a few neighbours are joined, as
/// far as that changes no value read later. Under kRows, bit i of by_row says that io[i] has more.
[[nodiscard]] std::vector<EwStep> plan_passes(std::span<const EwInstruction> code,
                                              std::span<const tensor::Tensor> io,
                                              std::span<const float> constants,
                                              EwDomain domain = EwDomain::kElements,
                                              uint32_t by_row = 0);

}  // namespace switchyard::ops::generic::cpu
