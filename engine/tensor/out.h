#pragma once

#include "tensor/tensor.h"

namespace switchyard::tensor {

/// A tensor that a function writes. It stands last in an argument list, so that a signature shows
/// what changes:
///
///   void combine(const Backend& backend, const Tensor& rows, ..., Out y);
///
/// A caller passes the tensor itself, which must outlive the call.
class Out {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): a caller passes the tensor itself.
  Out(const Tensor& tensor) : tensor_(&tensor) {}

  [[nodiscard]] const Tensor& operator*() const { return *tensor_; }
  [[nodiscard]] const Tensor* operator->() const { return tensor_; }
  // NOLINTNEXTLINE(google-explicit-constructor): the function hands the tensor on.
  operator const Tensor&() const { return *tensor_; }

 private:
  const Tensor* tensor_;
};

}  // namespace switchyard::tensor
