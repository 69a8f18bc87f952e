#include "ops/loss/sampled_softmax_cross_entropy.h"

#include "ops/kernels.h"

namespace switchyard::ops::loss {

using tensor::Tensor;

void sampled_softmax_cross_entropy_with_grad(const Backend& backend, const Tensor& offsets,
                                             const Tensor& hits, double grad_scale,
                                             tensor::Out logits, tensor::Out target,
                                             tensor::Out nll) {
  core::require(logits->dim() == 2 && logits->is_contiguous() &&
                    offsets.count() == logits->size(1) && target->count() == logits->size(0) &&
                    hits.count() == logits->size(0) && nll->count() == logits->size(0),
                "sampled_softmax_cross_entropy: needs logits [T, K], offsets [K], target [T], hits "
                "[T], nll [T], got {}, {}, {}, {}, {}",
                logits->shape(), offsets.shape(), target->shape(), hits.shape(), nll->shape());
  const auto kernel = backend.kernels->loss.sampled_softmax_cross_entropy;
  require_kernel(kernel != nullptr, "sampled_softmax_cross_entropy", backend);
  kernel(backend.stream,
         {.T = logits->size(0), .V = logits->size(1), .grad_scale = static_cast<float>(grad_scale)},
         {.offsets = offsets.data<float>(),
          .hits = hits.data<int32_t>(),
          .logits = logits->data<float>(),
          .target = target->data<float>(),
          .nll = nll->data<float>()});
}

}  // namespace switchyard::ops::loss
