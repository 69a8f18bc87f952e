#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include <switchyard/tensor.h>

namespace switchyard::test {

/// A tensor that owns its elements, on the CPU, contiguous. Address-stable: views point into it.
class Buffer {
 public:
  Buffer() = default;
  Buffer(sy_dtype dtype, std::vector<int64_t> shape) : dtype_(dtype), shape_(std::move(shape)) {
    int64_t stride = 1;
    strides_.resize(shape_.size());
    for (size_t i = shape_.size(); i-- > 0;) {
      strides_[i] = stride;
      stride *= shape_[i];
    }
    size_ = stride;
    bytes_.resize(static_cast<size_t>(stride) * (dtype.bits / 8));
  }
  /// f32 with these values.
  static Buffer of(std::vector<int64_t> shape, const std::vector<float>& values) {
    Buffer b({SY_FLOAT, 32, 1}, std::move(shape));
    std::copy_n(values.begin(), b.size_, b.f32());
    return b;
  }

  [[nodiscard]] sy_tensor view() {
    sy_tensor t{};
    t.data = bytes_.data();
    t.device_type = SY_CPU;
    t.ndim = static_cast<int32_t>(shape_.size());
    t.dtype = dtype_;
    t.shape = shape_.data();
    t.strides = strides_.data();
    return t;
  }
  [[nodiscard]] int64_t size() const { return size_; }
  [[nodiscard]] const std::vector<int64_t>& shape() const { return shape_; }
  [[nodiscard]] float* f32() { return reinterpret_cast<float*>(bytes_.data()); }
  [[nodiscard]] int32_t* i32() { return reinterpret_cast<int32_t*>(bytes_.data()); }
  [[nodiscard]] uint8_t* u8() { return bytes_.data(); }
  [[nodiscard]] std::vector<double> values() { return {f32(), f32() + size_}; }
  [[nodiscard]] std::vector<int32_t> indices() { return {i32(), i32() + size_}; }
  void zero() { std::fill(bytes_.begin(), bytes_.end(), uint8_t{0}); }
  /// Every byte 0xff: NaN as f32, -1 as i32; shows what was read before it was written.
  void poison() { std::fill(bytes_.begin(), bytes_.end(), uint8_t{0xff}); }

 private:
  sy_dtype dtype_{SY_FLOAT, 32, 1};
  std::vector<int64_t> shape_;
  std::vector<int64_t> strides_;
  int64_t size_ = 0;
  std::vector<uint8_t> bytes_;
};

}  // namespace switchyard::test
