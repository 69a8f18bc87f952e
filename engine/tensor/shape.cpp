#include "tensor/shape.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/error.h"

namespace switchyard::tensor {

Shape::Shape(std::initializer_list<int64_t> extents)
    : Shape(std::span<const int64_t>(extents.begin(), extents.size())) {
}

Shape::Shape(std::span<const int64_t> extents) : dim_(static_cast<int>(extents.size())) {
  core::require(dim_ <= kMaxDims, "Shape: at most {} dimensions, got {}", kMaxDims, dim_);
  std::ranges::copy(extents, extents_.begin());
  for (const int64_t extent : extents) {
    core::require(extent >= 0, "Shape: extents must be 0 or more, got {}", extent);
  }
}

int64_t Shape::count() const {
  int64_t product = 1;
  for (int axis = 0; axis < dim_; ++axis) {
    product *= (*this)[axis];
  }
  return product;
}

bool Shape::operator==(const Shape& other) const {
  return dim_ == other.dim_ && std::equal(data(), data() + dim_, other.data());
}

}  // namespace switchyard::tensor

fmt::format_context::iterator fmt::formatter<switchyard::tensor::Shape>::format(
    const switchyard::tensor::Shape& shape, fmt::format_context& context) const {
  return fmt::format_to(context.out(), "[{}]",
                        fmt::join(shape.data(), shape.data() + shape.dim(), ", "));
}
