#include "ops/generic/checks.h"

namespace switchyard::ops::generic {

void require_tensors(const char* op, const Backend& backend, tensor::DType dtype,
                     std::initializer_list<Named> tensors) {
  for (const Named& named : tensors) {
    const tensor::Tensor& t = named.tensor;
    core::require(t.defined(), "{}: {} must be a tensor, got an undefined one", op, named.name);
    core::require(t.device() == backend.stream.device, "{}: {} must be on {}, got one on {}", op,
                  named.name, tensor::name_of(backend.stream.device), tensor::name_of(t.device()));
    core::require(t.dtype() == dtype, "{}: {} must be {}, got {}", op, named.name,
                  tensor::name_of(dtype), tensor::name_of(t.dtype()));
  }
}

void require_same_shape(const char* op, std::initializer_list<Named> tensors) {
  const Named& first = *tensors.begin();
  for (const Named& named : tensors) {
    core::require(named.tensor.shape() == first.tensor.shape(),
                  "{}: {} must have the shape of {}, {}, got {}", op, named.name, first.name,
                  first.tensor.shape(), named.tensor.shape());
  }
}

void require_dim(const char* op, const Named& named, int dim, const char* layout) {
  core::require(named.tensor.dim() == dim, "{}: {} must be {}, got {}", op, named.name, layout,
                named.tensor.shape());
}

void require_broadcast(const char* op, const Named& named, const tensor::Tensor& y) {
  const tensor::Shape& from = named.tensor.shape();
  bool fits = from.dim() <= y.dim();
  for (int axis = 0; fits && axis < from.dim(); ++axis) {
    const int64_t extent = from[axis];
    fits = extent == 1 || extent == y.size(y.dim() - from.dim() + axis);
  }
  core::require(fits, "{}: {} must broadcast to the shape of y, {}, got {}", op, named.name,
                y.shape(), from);
}

void require_contiguous(const char* op, const Named& named) {
  core::require(named.tensor.is_contiguous(),
                "{}: {} must be contiguous; copy it first with generic::copy", op, named.name);
}

}  // namespace switchyard::ops::generic
