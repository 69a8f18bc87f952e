#include <limits>
#include <vector>

#include "ops/clones.h"
#include "ops/generic/kernels.h"
#include "ops/generic/lanes_cpu.h"
#include "ops/generic/strided_cpu.h"
#include "ops/generic/vector_math.h"

namespace switchyard::ops::generic {

namespace {

using tensor::Out;
using tensor::Stream;
using tensor::Tensor;

constexpr float kLowest = -std::numeric_limits<float>::infinity();

// y may be x.
SWITCHYARD_CPU_CLONES void softmax_row(float* y, const float* x, int64_t n) {
  const float top = row_max(x, n, kLowest);
  if (top == kLowest) {
    std::fill_n(y, n, 0.0F);
    return;
  }
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    y[i] = vexp(x[i] - top);
  }
  const auto scale = static_cast<float>(1.0 / row_sum<false>(y, n));
  for (int64_t i = 0; i < n; ++i) {
    y[i] *= scale;
  }
}

// dx may be y or dy.
SWITCHYARD_CPU_CLONES void softmax_grad_row(float* dx, const float* y, const float* dy, int64_t n) {
  LaneSums sums;
  constexpr int64_t kWidth = kLanes / 2;
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) {
    HalfLanes a;
    HalfLanes b;
    std::memcpy(&a, y + i, sizeof(a));
    std::memcpy(&b, dy + i, sizeof(b));
    sums.low += __builtin_convertvector(a, DoubleLanes) * __builtin_convertvector(b, DoubleLanes);
  }
  double dot = total(sums);
  for (; i < n; ++i) {
    dot += static_cast<double>(y[i]) * static_cast<double>(dy[i]);
  }
  const auto mean = static_cast<float>(dot);
#pragma GCC ivdep
  for (int64_t j = 0; j < n; ++j) {
    dx[j] = y[j] * (dy[j] - mean);
  }
}

// Calls row(out, inputs) for every row along the last axis. Rows that are not contiguous go through
// buffers.
template <size_t kInputs, typename Row>
void for_each_row(const Stream& stream, const Tensor& out,
                  const std::array<const Tensor*, kInputs>& in, Row row) {
  if (out.count() == 0) {
    return;
  }
  const int last = out.dim() - 1;
  const int64_t n = out.size(last);
  const Tensor first_out = out.select(last, 0);
  const Tensor first_a = in[0]->select(last, 0);
  const Tensor first_b = in[kInputs - 1]->select(last, 0);
  const Walk walk(first_out.shape(), {&first_out, &first_a, &first_b});
  for_each_range(stream, walk.rows() * walk.inner(), n, [&](int64_t begin, int64_t end) {
    std::array<std::vector<float>, kInputs + 1> buffers;
    for (int64_t r = begin; r < end; ++r) {
      const Walk::Offsets at = walk.offsets(r / walk.inner());
      const int64_t j = r % walk.inner();
      std::array<const float*, kInputs> rows;
      for (size_t i = 0; i < kInputs; ++i) {
        const int64_t stride = in[i]->stride(last);
        rows[i] = in[i]->template data<float>() + at[i + 1] +
                  j * walk.inner_stride(static_cast<int>(i) + 1);
        if (stride != 1) {
          buffers[i].resize(static_cast<size_t>(n));
          copy_from_strided(buffers[i].data(), rows[i], stride, n);
          rows[i] = buffers[i].data();
        }
      }
      float* y = out.data<float>() + at[0] + j * walk.inner_stride(0);
      const int64_t stride = out.stride(last);
      if (stride == 1) {
        row(y, rows, n);
        continue;
      }
      buffers[kInputs].resize(static_cast<size_t>(n));
      row(buffers[kInputs].data(), rows, n);
      for (int64_t i = 0; i < n; ++i) {
        y[i * stride] = buffers[kInputs][static_cast<size_t>(i)];
      }
    }
  });
}

void softmax(const Stream& stream, const Tensor& x, Out y) {
  using In = std::array<const float*, 1>;
  for_each_row<1>(stream, y, {&x},
                  [](float* out, const In& in, int64_t n) { softmax_row(out, in[0], n); });
}

void softmax_grad(const Stream& stream, const Tensor& y, const Tensor& dy, Out dx) {
  using In = std::array<const float*, 2>;
  for_each_row<2>(stream, dx, {&y, &dy}, [](float* out, const In& in, int64_t n) {
    softmax_grad_row(out, in[0], in[1], n);
  });
}

}  // namespace

void add_softmax_cpu(Kernels& kernels) {
  kernels.softmax = softmax;
  kernels.softmax_grad = softmax_grad;
}

}  // namespace switchyard::ops::generic
