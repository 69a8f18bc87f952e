#include "ops/loss/sampled_classes.h"

#include "ops/kernels.h"

namespace switchyard::ops::loss {

using tensor::Tensor;

void find_hits(const Backend& backend, const Tensor& sample, const Tensor& targets,
               tensor::Out hits) {
  core::require(sample.dim() == 1 && sample.is_contiguous() && targets.is_contiguous() &&
                    hits->is_contiguous() && hits->count() == targets.count(),
                "find_hits: needs contiguous sample [K], targets [T] and hits [T], got {}, {}, {}",
                sample.shape(), targets.shape(), hits->shape());
  const auto kernel = backend.kernels->loss.find_hits;
  require_kernel(kernel != nullptr, "find_hits", backend);
  kernel(backend.stream, {.T = targets.count(), .K = sample.count()}, sample.data<int32_t>(),
         targets.data<int32_t>(), hits->data<int32_t>());
}

void subtract_log_counts(const Backend& backend, const Tensor& bias, const Tensor& classes,
                         const Tensor& log_counts, tensor::Out offsets) {
  core::require(bias.is_contiguous() && classes.is_contiguous() && log_counts.is_contiguous() &&
                    offsets->is_contiguous() && log_counts.count() == classes.count() &&
                    offsets->count() == classes.count(),
                "subtract_log_counts: needs contiguous bias [V], classes, log_counts and offsets "
                "[n], got {}, {}, {}, {}",
                bias.shape(), classes.shape(), log_counts.shape(), offsets->shape());
  const auto kernel = backend.kernels->loss.subtract_log_counts;
  require_kernel(kernel != nullptr, "subtract_log_counts", backend);
  kernel(backend.stream, classes.count(), bias.data<float>(), classes.data<int32_t>(),
         log_counts.data<double>(), offsets->data<float>());
}

}  // namespace switchyard::ops::loss
