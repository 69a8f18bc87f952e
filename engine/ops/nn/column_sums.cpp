#include "ops/nn/column_sums.h"

#include "ops/kernels.h"

namespace switchyard::ops::nn {

void add_column_sums(const Backend& backend, const tensor::Tensor& x, tensor::Out sums) {
  core::require(x.dim() == 2 && sums->count() == x.size(1) && sums->is_contiguous(),
                "add_column_sums: needs x [rows, columns] and sums [columns], got {} and {}",
                x.shape(), sums->shape());
  const auto kernel = backend.kernels->nn.add_column_sums;
  require_kernel(kernel != nullptr, "add_column_sums", backend);
  kernel(backend.stream, {.data = x.data<float>(), .stride = x.stride(0)}, x.size(0), x.size(1),
         sums->data<float>());
}

}  // namespace switchyard::ops::nn
