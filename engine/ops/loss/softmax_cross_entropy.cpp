#include "ops/loss/softmax_cross_entropy.h"

#include "ops/kernels.h"

namespace switchyard::ops::loss {

namespace {

using tensor::Tensor;

void run(const Backend& backend, const Tensor& logits, const Tensor& bias, const Tensor& targets,
         double grad_scale, const Tensor& nll, int32_t with_grad) {
  core::require(logits.dim() == 2 && logits.is_contiguous() && bias.count() == logits.size(1) &&
                    targets.count() == logits.size(0) && nll.count() == logits.size(0),
                "softmax_cross_entropy: needs logits [T, V], bias [V], targets [T], nll [T], got "
                "{}, {}, {}, {}",
                logits.shape(), bias.shape(), targets.shape(), nll.shape());
  const auto kernel = backend.kernels->loss.softmax_cross_entropy;
  require_kernel(kernel != nullptr, "softmax_cross_entropy", backend);
  kernel(backend.stream,
         {.T = logits.size(0), .V = logits.size(1), .grad_scale = static_cast<float>(grad_scale)},
         nll.data<float>(), logits.data<float>(), bias.data<float>(), targets.data<int32_t>(),
         with_grad);
}

}  // namespace

void softmax_cross_entropy(const Backend& backend, const Tensor& logits, const Tensor& bias,
                           const Tensor& targets, const Tensor& nll) {
  run(backend, logits, bias, targets, 0.0, nll, 0);
}

void softmax_cross_entropy_with_grad(const Backend& backend, const Tensor& logits,
                                     const Tensor& bias, const Tensor& targets, double grad_scale,
                                     const Tensor& nll) {
  run(backend, logits, bias, targets, grad_scale, nll, 1);
}

}  // namespace switchyard::ops::loss
