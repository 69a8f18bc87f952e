#pragma once

#include <cstdint>
#include <string_view>

namespace switchyard::tensor {

/// Type of one element. kF64 is for sums that f32 is too coarse for; parameters and plugins do not
/// use it.
enum class DType : uint8_t { kF32, kBf16, kI32, kU8, kI64, kF64 };

/// A bfloat16 number as its bits: the upper half of a float.
struct Bf16 {
  uint16_t bits = 0;
};

[[nodiscard]] constexpr int64_t size_of(DType dtype) {
  switch (dtype) {
    case DType::kF32:
    case DType::kI32:
      return 4;
    case DType::kBf16:
      return 2;
    case DType::kU8:
      return 1;
    case DType::kI64:
    case DType::kF64:
      return 8;
  }
  return 0;
}

/// "f32", "bf16", "i32", "u8", "i64", "f64".
[[nodiscard]] constexpr std::string_view name_of(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return "f32";
    case DType::kBf16:
      return "bf16";
    case DType::kI32:
      return "i32";
    case DType::kU8:
      return "u8";
    case DType::kI64:
      return "i64";
    case DType::kF64:
      return "f64";
  }
  return "?";
}

/// The DType of a C++ element type.
template <typename T>
inline constexpr DType kDTypeOf = [] {
  static_assert(sizeof(T) == 0, "no DType for this type");
  return DType::kF32;
}();
template <>
inline constexpr DType kDTypeOf<float> = DType::kF32;
template <>
inline constexpr DType kDTypeOf<Bf16> = DType::kBf16;
template <>
inline constexpr DType kDTypeOf<int32_t> = DType::kI32;
template <>
inline constexpr DType kDTypeOf<uint8_t> = DType::kU8;
template <>
inline constexpr DType kDTypeOf<int64_t> = DType::kI64;
template <>
inline constexpr DType kDTypeOf<double> = DType::kF64;

}  // namespace switchyard::tensor
