#include "ops/nn/copy_column.h"

#include "ops/kernels.h"

namespace switchyard::ops::nn {

void copy_column(const Backend& backend, const tensor::Tensor& matrix, int64_t column,
                 tensor::Out out) {
  core::require(matrix.dim() == 2 && column >= 0 && column < matrix.size(1),
                "copy_column: there is no column {} in {}", column, matrix.shape());
  core::require(out->shape() == tensor::Shape({matrix.size(0)}) && out->is_contiguous() &&
                    out->dtype() == matrix.dtype(),
                "copy_column: a column of {} {} must be contiguous {} [{}], got {} {}",
                tensor::name_of(matrix.dtype()), matrix.shape(), tensor::name_of(matrix.dtype()),
                matrix.size(0), tensor::name_of(out->dtype()), out->shape());
  const auto kernel = backend.kernels->nn.copy_column;
  require_kernel(kernel != nullptr, "copy_column", backend);
  const tensor::Tensor from = matrix.select(1, column);
  kernel(backend.stream, matrix.size(0), tensor::size_of(matrix.dtype()), from.raw(),
         from.stride(0), out->raw());
}

}  // namespace switchyard::ops::nn
