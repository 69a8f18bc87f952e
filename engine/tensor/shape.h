#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>

#include <fmt/core.h>

namespace switchyard::tensor {

/// Up to eight extents, kept inline: making a Shape allocates nothing. [] is a scalar.
class Shape {
 public:
  static constexpr int kMaxDims = 8;

  Shape() = default;
  /// Throws Error(kInvalidArgument) for more than kMaxDims or a negative extent.
  Shape(std::initializer_list<int64_t> extents);
  explicit Shape(std::span<const int64_t> extents);

  [[nodiscard]] int dim() const { return dim_; }
  [[nodiscard]] int64_t operator[](int axis) const { return extents_[static_cast<size_t>(axis)]; }
  [[nodiscard]] int64_t& operator[](int axis) { return extents_[static_cast<size_t>(axis)]; }
  [[nodiscard]] const int64_t* data() const { return extents_.data(); }
  /// Product of the extents; 1 for a scalar.
  [[nodiscard]] int64_t count() const;
  [[nodiscard]] bool operator==(const Shape& other) const;

 private:
  std::array<int64_t, kMaxDims> extents_{};
  int dim_ = 0;
};

}  // namespace switchyard::tensor

/// Writes "[3, 4]".
template <>
struct fmt::formatter<switchyard::tensor::Shape> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  auto format(const switchyard::tensor::Shape& shape, fmt::format_context& context) const
      -> fmt::format_context::iterator;
};
