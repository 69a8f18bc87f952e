#include "ops/loss/kernels.h"

namespace switchyard::ops::loss {

namespace {

void total(const tensor::Stream& /*stream*/, int64_t count, const float* nll, double* total) {
  double sum = 0.0;
  for (int64_t t = 0; t < count; ++t) {
    sum += nll[t];
  }
  *total = sum;
}

}  // namespace

void add_total_cpu(Kernels& kernels) {
  kernels.total = total;
}

}  // namespace switchyard::ops::loss
