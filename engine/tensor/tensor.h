#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/error.h"
#include "tensor/dtype.h"
#include "tensor/memory.h"
#include "tensor/shape.h"

namespace switchyard::tensor {

class Device;

/// A cheap handle on typed, shaped memory: copying it copies no elements. It shares the memory if
/// it was made by empty() or zeros(), and borrows it if it was made by borrow() or an Arena.
class Tensor {
 public:
  /// An undefined tensor: no data, no dimensions.
  Tensor() = default;

  /// Uninitialised, row-major.
  static Tensor empty(DType dtype, const Shape& shape, Allocator& allocator);
  static Tensor zeros(DType dtype, const Shape& shape, Allocator& allocator);
  static Tensor zeros(DType dtype, const Shape& shape, Device& device);
  /// Row-major view of memory that must outlive the tensor.
  static Tensor borrow(void* data, DType dtype, const Shape& shape,
                       DeviceType device = DeviceType::kCpu);
  /// The same with the given strides, in elements, one for each axis.
  static Tensor borrow(void* data, DType dtype, const Shape& shape, const int64_t* strides,
                       DeviceType device = DeviceType::kCpu);
  /// On the CPU, with a copy of `values`.
  template <typename T>
  static Tensor from(const Shape& shape, const std::vector<T>& values);

  [[nodiscard]] bool defined() const { return data_ != nullptr || shape_.dim() > 0; }
  [[nodiscard]] DType dtype() const { return dtype_; }
  [[nodiscard]] DeviceType device() const { return device_; }
  [[nodiscard]] const Shape& shape() const { return shape_; }
  [[nodiscard]] int dim() const { return shape_.dim(); }
  [[nodiscard]] int64_t size(int axis) const { return shape_[axis]; }
  [[nodiscard]] int64_t stride(int axis) const { return strides_[static_cast<size_t>(axis)]; }
  [[nodiscard]] const int64_t* strides() const { return strides_.data(); }
  [[nodiscard]] int64_t count() const { return shape_.count(); }
  [[nodiscard]] int64_t bytes() const { return count() * size_of(dtype_); }
  [[nodiscard]] bool is_contiguous() const;

  [[nodiscard]] void* raw() const { return data_; }
  /// First element. Throws Error(kInternal) if T is not the dtype's type.
  template <typename T>
  [[nodiscard]] T* data() const;

  /// The same elements in another shape of equal count. Must be contiguous.
  [[nodiscard]] Tensor reshape(const Shape& shape) const;
  /// Elements [begin, end) along one axis.
  [[nodiscard]] Tensor slice(int axis, int64_t begin, int64_t end) const;
  /// One index along one axis, which disappears.
  [[nodiscard]] Tensor select(int axis, int64_t index) const;

  /// A copy of the elements of a contiguous CPU tensor.
  template <typename T>
  [[nodiscard]] std::vector<T> to_vector() const;

 private:
  void* data_ = nullptr;
  Shape shape_;
  std::array<int64_t, Shape::kMaxDims> strides_{};  // in elements
  std::shared_ptr<void> owner_;
  DType dtype_ = DType::kF32;
  DeviceType device_ = DeviceType::kCpu;
};

template <typename T>
T* Tensor::data() const {
  if (kDTypeOf<T> != dtype_) {
    core::fail(core::ErrorCode::kInternal, "tensor of {} read as {}", name_of(dtype_),
               name_of(kDTypeOf<T>));
  }
  return static_cast<T*>(data_);
}

template <typename T>
Tensor Tensor::from(const Shape& shape, const std::vector<T>& values) {
  core::require(static_cast<int64_t>(values.size()) == shape.count(),
                "Tensor::from: shape {} needs {} values, got {}", shape, shape.count(),
                values.size());
  CpuAllocator allocator;
  Tensor out = empty(kDTypeOf<T>, shape, allocator);
  std::copy(values.begin(), values.end(), out.data<T>());
  return out;
}

template <typename T>
std::vector<T> Tensor::to_vector() const {
  core::require(is_contiguous() && device_ == DeviceType::kCpu,
                "to_vector: needs a contiguous tensor on the CPU");
  return std::vector<T>(data<T>(), data<T>() + count());
}

}  // namespace switchyard::tensor
