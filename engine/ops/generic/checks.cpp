#include "ops/generic/checks.h"

namespace switchyard::ops::generic {

void require_tensors(const char* op, const Backend& backend, tensor::DType dtype,
                     std::initializer_list<Named> tensors) {
  for (const Named& named : tensors) {
    const tensor::Tensor& t = named.tensor;
    core::require(t.defined(), op, ": ", named.name, " must be a tensor, got an undefined one");
    core::require(t.device() == backend.stream.device, op, ": ", named.name, " must be on ",
                  tensor::name_of(backend.stream.device), ", got one on ",
                  tensor::name_of(t.device()));
    core::require(t.dtype() == dtype, op, ": ", named.name, " must be ", tensor::name_of(dtype),
                  ", got ", tensor::name_of(t.dtype()));
  }
}

void require_same_shape(const char* op, std::initializer_list<Named> tensors) {
  const Named& first = *tensors.begin();
  for (const Named& named : tensors) {
    core::require(named.tensor.shape() == first.tensor.shape(), op, ": ", named.name,
                  " must have the shape of ", first.name, ", ", first.tensor.shape(), ", got ",
                  named.tensor.shape());
  }
}

void require_dim(const char* op, const Named& named, int dim, const char* layout) {
  core::require(named.tensor.dim() == dim, op, ": ", named.name, " must be ", layout, ", got ",
                named.tensor.shape());
}

void require_contiguous(const char* op, const Named& named) {
  core::require(named.tensor.is_contiguous(), op, ": ", named.name,
                " must be contiguous; copy it first with generic::copy");
}

}  // namespace switchyard::ops::generic
