#pragma once

#include <switchyard/tensor.h>

#include "tensor/tensor.h"

namespace switchyard::plugin_host {

/// A view of a tensor for the other side; an undefined tensor gives "not supplied". Shape and
/// strides point into `tensor`, which must outlive the view.
[[nodiscard]] sy_tensor view_of(const tensor::Tensor& tensor);

/// The other side's view as a tensor that borrows its memory. Allocates nothing.
/// Throws Error(kInvalidArgument), naming `what`, for a null or malformed view, and
/// Error(kUnsupported) for an element type or device that the engine does not have.
[[nodiscard]] tensor::Tensor tensor_of(const sy_tensor* view, const char* what);

[[nodiscard]] sy_dtype sy_dtype_of(tensor::DType dtype);
/// Throws Error(kUnsupported) for a type that the engine does not have.
[[nodiscard]] tensor::DType dtype_of(sy_dtype dtype);

/// Throws Error(kInvalidArgument) unless 0 <= ndim <= 8 and no extent is negative.
[[nodiscard]] tensor::Shape shape_of(int32_t ndim, const int64_t* extents);

}  // namespace switchyard::plugin_host
