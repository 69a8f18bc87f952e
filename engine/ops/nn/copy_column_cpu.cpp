#include <cstring>

#include "ops/nn/kernels.h"

namespace switchyard::ops::nn {

namespace {

void copy_column(const tensor::Stream& /*stream*/, int64_t rows, int64_t bytes, const void* column,
                 int64_t stride, void* out) {
  const auto* from = static_cast<const char*>(column);
  auto* to = static_cast<char*>(out);
  for (int64_t i = 0; i < rows; ++i) {
    std::memcpy(to + i * bytes, from + i * stride * bytes, static_cast<size_t>(bytes));
  }
}

}  // namespace

void add_copy_column_cpu(Kernels& kernels) {
  kernels.copy_column = copy_column;
}

}  // namespace switchyard::ops::nn
