#include <cstdint>

#include "ops/generic/kernels.h"
#include "ops/generic/walk.h"

namespace switchyard::ops::generic {

namespace {

using tensor::DType;
using tensor::Out;
using tensor::Stream;
using tensor::Tensor;

// Elements of a row, `stride` apart.
template <typename T>
struct Elements {
  T* data;
  int64_t stride;

  [[nodiscard]] T& operator[](int64_t i) const { return data[i * stride]; }
};

template <typename T>
void copy_elements(const Elements<const T>& x, const Elements<T>& y, int64_t n) {
  if (x.data == y.data && x.stride == y.stride) {
    return;
  }
  for (int64_t i = 0; i < n; ++i) {
    y[i] = x[i];
  }
}

template <typename C, typename T>
void choose(const Stream& stream, const Tensor& condition, const Tensor& a, const Tensor& b,
            const Tensor& y) {
  const Walk walk(y.shape(), {&y, &condition, &a, &b});
  walk.for_each_piece(stream, [&](int64_t row, int64_t begin, int64_t end) {
    const Walk::Offsets at = walk.offsets(row);
    const auto elements = [&](auto* data, int operand) {
      const int64_t stride = walk.inner_stride(operand);
      return Elements<std::remove_pointer_t<decltype(data)>>{
          data + at[static_cast<size_t>(operand)] + begin * stride, stride};
    };
    const Elements<T> to = elements(y.data<T>(), 0);
    const auto is = elements(static_cast<const C*>(condition.data<C>()), 1);
    const auto then = elements(static_cast<const T*>(a.data<T>()), 2);
    const auto otherwise = elements(static_cast<const T*>(b.data<T>()), 3);
    if (is.stride == 0) {
      copy_elements<T>(is[0] != C{} ? then : otherwise, to, end - begin);
      return;
    }
    for (int64_t i = 0; i < end - begin; ++i) {
      to[i] = is[i] != C{} ? then[i] : otherwise[i];
    }
  });
}

template <typename T>
void choose(const Stream& stream, const Tensor& condition, const Tensor& a, const Tensor& b,
            const Tensor& y) {
  switch (condition.dtype()) {
    case DType::kU8:
      return choose<uint8_t, T>(stream, condition, a, b, y);
    case DType::kI32:
      return choose<int32_t, T>(stream, condition, a, b, y);
    default:
      return choose<float, T>(stream, condition, a, b, y);
  }
}

template <typename T>
void count_up(const Stream& stream, const Tensor& y) {
  const Walk walk(y.shape(), {&y});
  const int64_t stride = walk.inner_stride(0);
  walk.for_each_piece(stream, [&](int64_t row, int64_t begin, int64_t end) {
    T* to = y.data<T>() + walk.offsets(row)[0];
    for (int64_t i = begin; i < end; ++i) {
      to[i * stride] = static_cast<T>(row * walk.inner() + i);
    }
  });
}

void where(const Stream& stream, const Tensor& condition, const Tensor& a, const Tensor& b, Out y) {
  if (y->dtype() == DType::kI32) {
    choose<int32_t>(stream, condition, a, b, y);
  } else {
    choose<float>(stream, condition, a, b, y);
  }
}

void iota(const Stream& stream, Out y) {
  if (y->dtype() == DType::kI32) {
    count_up<int32_t>(stream, y);
  } else {
    count_up<float>(stream, y);
  }
}

}  // namespace

void add_where_cpu(Kernels& kernels) {
  kernels.iota = iota;
  kernels.where = where;
}

}  // namespace switchyard::ops::generic
