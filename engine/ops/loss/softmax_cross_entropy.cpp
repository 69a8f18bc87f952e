#include "ops/loss/softmax_cross_entropy.h"

#include "ops/kernels.h"

namespace switchyard::ops::loss {

namespace {

using tensor::Tensor;

void run(const Backend& backend, const Tensor& bias, const Tensor& targets, double grad_scale,
         int32_t with_grad, tensor::Out logits, tensor::Out nll) {
  core::require(logits->dim() == 2 && logits->is_contiguous() && bias.count() == logits->size(1) &&
                    targets.count() == logits->size(0) && nll->count() == logits->size(0),
                "softmax_cross_entropy: needs logits [T, V], bias [V], targets [T], nll [T], got "
                "{}, {}, {}, {}",
                logits->shape(), bias.shape(), targets.shape(), nll->shape());
  const auto kernel = backend.kernels->loss.softmax_cross_entropy;
  require_kernel(kernel != nullptr, "softmax_cross_entropy", backend);
  kernel(backend.stream,
         {.T = logits->size(0), .V = logits->size(1), .grad_scale = static_cast<float>(grad_scale)},
         bias.data<float>(), targets.data<int32_t>(), with_grad, logits->data<float>(),
         nll->data<float>());
}

}  // namespace

void softmax_cross_entropy(const Backend& backend, const Tensor& bias, const Tensor& targets,
                           tensor::Out logits, tensor::Out nll) {
  run(backend, bias, targets, 0.0, 0, logits, nll);
}

void softmax_cross_entropy_with_grad(const Backend& backend, const Tensor& bias,
                                     const Tensor& targets, double grad_scale, tensor::Out logits,
                                     tensor::Out nll) {
  run(backend, bias, targets, grad_scale, 1, logits, nll);
}

}  // namespace switchyard::ops::loss
