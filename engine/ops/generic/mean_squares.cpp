#include "ops/generic/mean_squares.h"

#include "ops/generic/checks.h"
#include "ops/kernels.h"

namespace switchyard::ops::generic {

using tensor::DType;
using tensor::Tensor;

void mean_squares(const Backend& backend, const Tensor& x, tensor::Out rows, tensor::Out columns) {
  require_tensors("mean_squares", backend, DType::kF32,
                  {{"x", x}, {"rows", rows}, {"columns", columns}});
  for (const Named& named : {Named{"x", x}, {"rows", rows}, {"columns", columns}}) {
    require_contiguous("mean_squares", named);
  }
  require_dim("mean_squares", {"x", x}, 3, "[G,P,Q]");
  core::require(x.size(1) > 0 && x.size(2) > 0,
                "mean_squares: a matrix of x must have an element, got {}", x.shape());
  core::require(rows->shape() == tensor::Shape{x.size(0), x.size(1)},
                "mean_squares: rows must be [G,P] of x {}, got {}", x.shape(), rows->shape());
  core::require(columns->shape() == tensor::Shape{x.size(0), x.size(2)},
                "mean_squares: columns must be [G,Q] of x {}, got {}", x.shape(), columns->shape());
  const auto kernel = backend.kernels->generic.mean_squares;
  require_kernel(kernel != nullptr, "mean_squares", backend);
  kernel(backend.stream, x, rows, columns);
}

}  // namespace switchyard::ops::generic
