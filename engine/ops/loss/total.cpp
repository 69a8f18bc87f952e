#include "ops/loss/total.h"

#include "ops/kernels.h"

namespace switchyard::ops::loss {

void total(const Backend& backend, const tensor::Tensor& nll, tensor::Out total) {
  core::require(nll.is_contiguous() && total->count() == 1,
                "total: needs contiguous losses and room for one sum, got {} and {}", nll.shape(),
                total->shape());
  const auto kernel = backend.kernels->loss.total;
  require_kernel(kernel != nullptr, "total", backend);
  kernel(backend.stream, nll.count(), nll.data<float>(), total->data<double>());
}

}  // namespace switchyard::ops::loss
