#include "ops/clones.h"
#include "ops/nn/kernels.h"

namespace switchyard::ops::nn {

namespace {

SWITCHYARD_CPU_CLONES
void add_columns(linalg::MatrixView x, int64_t rows, int64_t begin, int64_t end, float* sums) {
  for (int64_t row = 0; row < rows; ++row) {
    const float* in = x.data + row * x.stride;
    for (int64_t column = begin; column < end; ++column) {
      sums[column] += in[column];
    }
  }
}

void add_column_sums(const tensor::Stream& stream, linalg::MatrixView x, int64_t rows,
                     int64_t columns, float* sums) {
  constexpr int64_t kColumns = 256;
  stream.threads->parallel_for(columns, kColumns, [&](int64_t begin, int64_t end) {
    add_columns(x, rows, begin, end, sums);
  });
}

}  // namespace

void add_column_sums_cpu(Kernels& kernels) {
  kernels.add_column_sums = add_column_sums;
}

}  // namespace switchyard::ops::nn
