// SPDX-License-Identifier: Apache-2.0
// Other shapes of a tensor that somebody else owns: reshaped, transposed, or some of its rows or
// columns.
#pragma once

#include <algorithm>
#include <initializer_list>

#include <switchyard/error.hpp>
#include <switchyard/tensor.h>

namespace sy {

inline constexpr sy_dtype kF32{SY_FLOAT, 32, 1};
inline constexpr sy_dtype kBf16{SY_BFLOAT, 16, 1};
inline constexpr sy_dtype kI32{SY_INT, 32, 1};
inline constexpr sy_dtype kU8{SY_UINT, 8, 1};

[[nodiscard]] constexpr bool same_dtype(sy_dtype a, sy_dtype b) noexcept {
  return a.code == b.code && a.bits == b.bits && a.lanes == b.lanes;
}

/// Number of elements.
[[nodiscard]] inline int64_t num_elements(const sy_tensor& t) noexcept {
  int64_t n = 1;
  for (int32_t i = 0; i < t.ndim; ++i) {
    n *= t.shape[i];
  }
  return n;
}

/// True where the host filled an optional tensor.
[[nodiscard]] inline bool is_supplied(const sy_tensor& t) noexcept {
  return t.data != nullptr;
}

/// A view that carries its own shape and strides, so that it may be copied and returned. It never
/// owns the elements. Converts to what the services take.
class View {
 public:
  View(const View& other) noexcept : tensor_(other.tensor_) { adopt(other); }
  View& operator=(const View& other) noexcept {
    tensor_ = other.tensor_;
    adopt(other);
    return *this;
  }

  operator const sy_tensor&() const noexcept { return tensor_; }  // NOLINT: a view is a tensor

  /// The elements of a contiguous tensor in another shape of the same size. Throws
  /// Error(SY_E_INVALID) where the sizes differ.
  [[nodiscard]] static View reshape(const sy_tensor& t, std::initializer_list<int64_t> shape) {
    View view(t, static_cast<int32_t>(shape.size()));
    std::copy(shape.begin(), shape.end(), view.shape_);
    int64_t stride = 1;
    for (int32_t i = view.tensor_.ndim - 1; i >= 0; --i) {
      view.strides_[i] = stride;
      stride *= view.shape_[i];
    }
    require(stride == num_elements(t), "reshape: the sizes must be equal, got ", num_elements(t),
            " and ", stride, " elements");
    return view;
  }

  /// Rows begin ... begin + count along dimension 0 of a tensor [rows, ...]: shape [count, ...].
  [[nodiscard]] static View rows(const sy_tensor& t, int64_t begin, int64_t count) {
    require(t.ndim >= 1 && begin >= 0 && count >= 0 && begin + count <= t.shape[0],
            "rows: must lie inside dimension 0, got ", begin, " ... ", begin + count);
    View view(t, t.ndim);
    std::copy(t.shape, t.shape + t.ndim, view.shape_);
    std::copy(t.strides, t.strides + t.ndim, view.strides_);
    view.shape_[0] = count;
    view.move(begin * t.strides[0]);
    return view;
  }

  /// One row of a tensor [rows, ...], without dimension 0.
  [[nodiscard]] static View select(const sy_tensor& t, int64_t index) {
    require(t.ndim >= 1 && index >= 0 && index < t.shape[0],
            "select: must lie inside dimension 0, got ", index);
    View view(t, t.ndim - 1);
    std::copy(t.shape + 1, t.shape + t.ndim, view.shape_);
    std::copy(t.strides + 1, t.strides + t.ndim, view.strides_);
    view.move(index * t.strides[0]);
    return view;
  }

  /// Columns begin ... begin + count of a 2-D tensor [rows, columns]: shape [rows, count].
  [[nodiscard]] static View columns(const sy_tensor& t, int64_t begin, int64_t count) {
    View view = slice(t, begin, count);
    view.tensor_.ndim = 2;
    view.shape_[1] = count;
    view.strides_[1] = t.strides[1];
    return view;
  }

  /// A 2-D tensor [rows, columns] as [columns, rows].
  [[nodiscard]] static View transpose(const sy_tensor& t) {
    require(t.ndim == 2, "transpose: the tensor must have 2 dimensions, got ", t.ndim);
    View view(t, 2);
    for (int32_t i = 0; i < 2; ++i) {
      view.shape_[i] = t.shape[1 - i];
      view.strides_[i] = t.strides[1 - i];
    }
    return view;
  }

  /// One column of a 2-D tensor [rows, columns]: shape [rows].
  [[nodiscard]] static View column(const sy_tensor& t, int64_t index) { return slice(t, index, 1); }

 private:
  View(const sy_tensor& t, int32_t ndim) noexcept : tensor_(t) {
    tensor_.ndim = ndim;
    tensor_.shape = shape_;
    tensor_.strides = strides_;
  }

  static View slice(const sy_tensor& t, int64_t begin, int64_t count) {
    require(t.ndim == 2 && begin >= 0 && begin + count <= t.shape[1],
            "columns: must lie inside a 2-D tensor, got ", begin, " ... ", begin + count);
    View view(t, 1);
    view.shape_[0] = t.shape[0];
    view.strides_[0] = t.strides[0];
    view.move(begin * t.strides[1]);
    return view;
  }

  /// Moves the first element that many elements on.
  void move(int64_t elements) noexcept {
    if (tensor_.data) {
      tensor_.data = static_cast<char*>(tensor_.data) + elements * (tensor_.dtype.bits / 8);
    }
  }

  void adopt(const View& other) noexcept {
    std::copy(other.shape_, other.shape_ + SY_MAX_DIMS, shape_);
    std::copy(other.strides_, other.strides_ + SY_MAX_DIMS, strides_);
    tensor_.shape = shape_;
    tensor_.strides = strides_;
  }

  sy_tensor tensor_;
  int64_t shape_[SY_MAX_DIMS] = {};
  int64_t strides_[SY_MAX_DIMS] = {};
};

}  // namespace sy
