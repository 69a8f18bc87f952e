#include "tensor/tensor.h"

#include <algorithm>
#include <cstring>

namespace switchyard::tensor {

Tensor Tensor::borrow(void* data, DType dtype, const Shape& shape, DeviceType device) {
  Tensor out;
  out.data_ = data;
  out.dtype_ = dtype;
  out.device_ = device;
  out.shape_ = shape;
  int64_t stride = 1;
  for (int axis = shape.dim() - 1; axis >= 0; --axis) {
    out.strides_[static_cast<size_t>(axis)] = stride;
    stride *= shape[axis];
  }
  return out;
}

Tensor Tensor::borrow(void* data, DType dtype, const Shape& shape, const int64_t* strides,
                      DeviceType device) {
  Tensor out = borrow(data, dtype, shape, device);
  std::copy(strides, strides + shape.dim(), out.strides_.begin());
  return out;
}

Tensor Tensor::empty(DType dtype, const Shape& shape, Allocator& allocator) {
  std::shared_ptr<void> memory = allocator.allocate(shape.count() * size_of(dtype));
  Tensor out = borrow(memory.get(), dtype, shape, allocator.device());
  out.owner_ = std::move(memory);
  return out;
}

Tensor Tensor::zeros(DType dtype, const Shape& shape, Allocator& allocator) {
  Tensor out = empty(dtype, shape, allocator);
  core::require(out.device_ == DeviceType::kCpu,
                "Tensor::zeros: memory of a device is filled by its Device");
  std::memset(out.data_, 0, static_cast<size_t>(out.bytes()));
  return out;
}

bool Tensor::is_contiguous() const {
  int64_t expected = 1;
  for (int axis = dim() - 1; axis >= 0; --axis) {
    if (size(axis) != 1 && stride(axis) != expected) {
      return false;
    }
    expected *= size(axis);
  }
  return true;
}

Tensor Tensor::reshape(const Shape& shape) const {
  core::require(shape.count() == count() && is_contiguous(), "reshape: cannot view {} as {}",
                shape_, shape);
  Tensor out = borrow(data_, dtype_, shape, device_);
  out.owner_ = owner_;
  return out;
}

Tensor Tensor::slice(int axis, int64_t begin, int64_t end) const {
  core::require(axis >= 0 && axis < dim() && begin >= 0 && begin <= end && end <= size(axis),
                "slice: [{}, {}) of axis {} is outside {}", begin, end, axis, shape_);
  Tensor out = *this;
  out.data_ = static_cast<char*>(data_) + begin * stride(axis) * size_of(dtype_);
  out.shape_[axis] = end - begin;
  return out;
}

Tensor Tensor::select(int axis, int64_t index) const {
  core::require(axis >= 0 && axis < dim() && index >= 0 && index < size(axis),
                "select: index {} of axis {} is outside {}", index, axis, shape_);
  Tensor out = *this;
  out.data_ = static_cast<char*>(data_) + index * stride(axis) * size_of(dtype_);
  std::array<int64_t, Shape::kMaxDims> extents{};
  int kept = 0;
  for (int from = 0; from < dim(); ++from) {
    if (from != axis) {
      extents[static_cast<size_t>(kept)] = size(from);
      out.strides_[static_cast<size_t>(kept)] = stride(from);
      ++kept;
    }
  }
  out.shape_ = Shape(std::span<const int64_t>(extents.data(), static_cast<size_t>(kept)));
  return out;
}

}  // namespace switchyard::tensor
