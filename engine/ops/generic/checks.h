#pragma once

#include <initializer_list>

#include "ops/backend.h"
#include "tensor/tensor.h"

namespace switchyard::ops::generic {

/// A tensor and its name in messages.
struct Named {
  const char* name;
  const tensor::Tensor& tensor;
};

/// Throws Error(kInvalidArgument) unless every tensor is defined, on the backend's device and of
/// this type.
void require_tensors(const char* op, const Backend& backend, tensor::DType dtype,
                     std::initializer_list<Named> tensors);

/// Throws Error(kInvalidArgument) unless every tensor has the shape of the first.
void require_same_shape(const char* op, std::initializer_list<Named> tensors);

/// Throws Error(kInvalidArgument) unless the tensor has `dim` dimensions.
void require_dim(const char* op, const Named& named, int dim, const char* layout);

/// Throws Error(kInvalidArgument) unless the tensor broadcasts to y's shape as in NumPy.
void require_broadcast(const char* op, const Named& named, const tensor::Tensor& y);

/// Throws Error(kInvalidArgument) unless the tensor is contiguous.
void require_contiguous(const char* op, const Named& named);

}  // namespace switchyard::ops::generic
