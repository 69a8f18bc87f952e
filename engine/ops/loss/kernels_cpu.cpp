#include "ops/loss/kernels_cpu.h"

namespace switchyard::ops::loss {

Kernels cpu_kernels() {
  return {.softmax_cross_entropy = cpu::softmax_cross_entropy,
          .sampled_softmax_cross_entropy = cpu::sampled_softmax_cross_entropy,
          .find_hits = cpu::find_hits,
          .subtract_log_counts = cpu::subtract_log_counts,
          .total = cpu::total};
}

}  // namespace switchyard::ops::loss
