#include "ops/nn/lstm_cell_cpu.h"

#include "ops/clones.h"
#include "ops/generic/vector_math.h"
#include "ops/nn/kernels.h"

namespace switchyard::ops::nn {

using generic::vsigmoid;
using generic::vtanh;

int64_t streams_per_thread(const tensor::Stream& stream, int64_t count) {
  const int64_t threads = stream.threads->num_threads();
  return (count + threads - 1) / threads;
}

SWITCHYARD_CPU_CLONES
void cell_forward(int64_t U, const float* bias, float forget_bias, float keep, float* gates,
                  const float* c_before, float* c, float* h) {
#pragma GCC ivdep
  for (int64_t u = 0; u < U; ++u) {
    const float i = vsigmoid(gates[u] + bias[u]);
    const float j = vtanh(gates[U + u] + bias[U + u]);
    const float f = vsigmoid(gates[2 * U + u] + bias[2 * U + u] + forget_bias);
    const float o = vsigmoid(gates[3 * U + u] + bias[3 * U + u]);
    gates[u] = i;
    gates[U + u] = j;
    gates[2 * U + u] = f;
    gates[3 * U + u] = o;
    c[u] = f * (keep * c_before[u]) + i * j;
    h[u] = o * vtanh(c[u]);
  }
}

SWITCHYARD_CPU_CLONES
void cell_backward(int64_t U, float keep, float* gates, const float* c_before, const float* c,
                   const float* grad_h, const float* more_grad_h, float* grad_c) {
#pragma GCC ivdep
  for (int64_t u = 0; u < U; ++u) {
    const float i = gates[u];
    const float j = gates[U + u];
    const float f = gates[2 * U + u];
    const float o = gates[3 * U + u];
    const float tanh_c = vtanh(c[u]);
    const float dh = grad_h[u] + more_grad_h[u];
    const float dc = grad_c[u] + dh * o * (1.0F - tanh_c * tanh_c);
    gates[u] = dc * j * i * (1.0F - i);
    gates[U + u] = dc * i * (1.0F - j * j);
    gates[2 * U + u] = dc * (keep * c_before[u]) * f * (1.0F - f);
    gates[3 * U + u] = dh * tanh_c * o * (1.0F - o);
    grad_c[u] = keep * (dc * f);
  }
}

SWITCHYARD_CPU_CLONES
void add_to_sums(int64_t count, const float* values, float* sums) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; ++i) {
    sums[i] += values[i];
  }
}

namespace {

// One step with given pre-activations.
void lstm_cell(const tensor::Stream& stream, const LstmCellDims& n, const LstmCellBuffers& b) {
  stream.threads->parallel_for(
      n.B, streams_per_thread(stream, n.B), [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) {
          cell_forward(n.U, b.bias, n.forget_bias, b.keep[row * b.keep_stride],
                       b.gates.data + row * b.gates.stride,
                       b.c_before.data + row * b.c_before.stride, b.c.data + row * b.c.stride,
                       b.h.data + row * b.h.stride);
        }
      });
}

void lstm_cell_grad(const tensor::Stream& stream, const LstmCellDims& n, const LstmCellBuffers& b,
                    const LstmCellGradBuffers& g) {
  stream.threads->parallel_for(
      n.B, streams_per_thread(stream, n.B), [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) {
          cell_backward(n.U, b.keep[row * b.keep_stride], b.gates.data + row * b.gates.stride,
                        b.c_before.data + row * b.c_before.stride, b.c.data + row * b.c.stride,
                        g.grad_h.data + row * g.grad_h.stride, g.zeros,
                        g.grad_c.data + row * g.grad_c.stride);
        }
      });
}

}  // namespace

void add_lstm_cell_cpu(Kernels& kernels) {
  kernels.lstm_cell = lstm_cell;
  kernels.lstm_cell_grad = lstm_cell_grad;
}

}  // namespace switchyard::ops::nn
