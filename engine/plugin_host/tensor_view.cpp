#include "plugin_host/tensor_view.h"

namespace switchyard::plugin_host {

using core::require;
using tensor::DeviceType;
using tensor::DType;
using tensor::Shape;
using tensor::Tensor;

static_assert(SY_MAX_DIMS == Shape::kMaxDims);

sy_dtype sy_dtype_of(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return {SY_FLOAT, 32, 1};
    case DType::kBf16:
      return {SY_BFLOAT, 16, 1};
    case DType::kI32:
      return {SY_INT, 32, 1};
    case DType::kU8:
      return {SY_UINT, 8, 1};
    case DType::kI64:
      return {SY_INT, 64, 1};
    case DType::kF64:
      break;  // sums of the host only
  }
  core::fail(core::ErrorCode::kInternal, "plugins see no tensors of {}", tensor::name_of(dtype));
}

DType dtype_of(sy_dtype dtype) {
  for (const DType known : {DType::kF32, DType::kBf16, DType::kI32, DType::kU8, DType::kI64}) {
    const sy_dtype same = sy_dtype_of(known);
    if (same.code == dtype.code && same.bits == dtype.bits && same.lanes == dtype.lanes) {
      return known;
    }
  }
  core::fail(core::ErrorCode::kUnsupported,
             "element type (code {}, {} bits, {} lanes) is unknown: use f32, bf16, i32, u8 or i64 "
             "with one lane",
             int{dtype.code}, int{dtype.bits}, dtype.lanes);
}

Shape shape_of(int32_t ndim, const int64_t* extents) {
  require(ndim >= 0 && ndim <= SY_MAX_DIMS && (ndim == 0 || extents != nullptr),
          "a shape must have 0 ... {} extents, got {}", SY_MAX_DIMS, ndim);
  return Shape(std::span<const int64_t>(extents, static_cast<size_t>(ndim)));
}

sy_tensor view_of(const Tensor& tensor) {
  sy_tensor view{};
  if (!tensor.defined()) {
    return view;
  }
  view.data = tensor.raw();
  view.device_type = static_cast<int32_t>(tensor.device());
  view.ndim = tensor.dim();
  view.dtype = sy_dtype_of(tensor.dtype());
  view.shape = tensor.shape().data();
  view.strides = tensor.strides();
  return view;
}

Tensor tensor_of(const sy_tensor* view, const char* what) {
  require(view != nullptr, "{}: the tensor is a null pointer", what);
  if (view->data == nullptr && view->ndim == 0) {
    return {};
  }
  require(view->byte_offset == 0, "{}: byte_offset must be 0, got {}", what, view->byte_offset);
  require(view->ndim == 0 || view->strides != nullptr, "{}: the strides are missing", what);
  require(view->device_type == SY_CPU || view->device_type == SY_CUDA,
          "{}: device type {} is neither the CPU ({}) nor CUDA ({})", what, view->device_type,
          SY_CPU, SY_CUDA);
  const Shape shape = shape_of(view->ndim, view->shape);
  require(view->data != nullptr || shape.count() == 0, "{}: its data is a null pointer", what);
  return Tensor::borrow(view->data, dtype_of(view->dtype), shape, view->strides,
                        static_cast<DeviceType>(view->device_type));
}

}  // namespace switchyard::plugin_host
