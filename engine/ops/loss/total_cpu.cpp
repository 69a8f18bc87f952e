#include "ops/loss/kernels_cpu.h"

namespace switchyard::ops::loss::cpu {

void total(const tensor::Stream& /*stream*/, int64_t count, const float* nll, double* total) {
  double sum = 0.0;
  for (int64_t t = 0; t < count; ++t) {
    sum += nll[t];
  }
  *total = sum;
}

}  // namespace switchyard::ops::loss::cpu
