#include <algorithm>

#include "ops/clones.h"
#include "ops/generic/vector_math.h"
#include "ops/linalg/repeated_factor.h"
#include "ops/nn/kernels_cpu.h"

namespace switchyard::ops::nn::cpu {

namespace {

using generic::vsigmoid;
using generic::vtanh;

// 0 where the state is zeroed before this step, else 1.
float keep_of(const LstmDims& n, const LstmBuffers& b, int64_t stream, int64_t step) {
  return b.resets != nullptr && b.resets[stream * n.S + step] != 0 ? 0.0F : 1.0F;
}

// Gate activations of one stream and step, in place; c and h from them. keep is 0 after a reset of
// the state, else 1.
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

// Gradient of the pre-activations of one stream and step in place of the gate activations. The
// gradient of h is grad_h + more_grad_h. grad_c comes from the step after and leaves for the step
// before.
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

// Puts x and the previous output side by side and picks the previous cell: zeros after a reset.
void enter_step(const LstmDims& n, const LstmBuffers& b, int64_t stream, int64_t step) {
  float* row = b.xm + (stream * n.S + step) * (n.I + n.P);
  std::copy_n(b.x + (stream * n.S + step) * n.I, n.I, row);
  float* c_before = b.cell + (stream * (n.S + 1) + step) * n.U;
  if (step == 0) {
    std::copy_n(b.state_c + stream * n.U, n.U, c_before);
  }
  const float* m_before =
      step == 0 ? b.state_m + stream * n.P : b.y + (stream * n.S + step - 1) * n.P;
  if (keep_of(n, b, stream, step) == 0.0F) {
    std::fill_n(row + n.I, n.P, 0.0F);
  } else {
    std::copy_n(m_before, n.P, row + n.I);
  }
}

void step_forward(const LstmDims& n, const LstmBuffers& b, int64_t stream, int64_t step) {
  float* c_before = b.cell + (stream * (n.S + 1) + step) * n.U;
  cell_forward(n.U, b.bias, n.forget_bias, keep_of(n, b, stream, step),
               b.gates + (stream * n.S + step) * 4 * n.U, c_before, c_before + n.U,
               b.hidden + (stream * n.S + step) * n.U);
}

// grad_h and more_grad_h are those of one stream.
void step_backward(const LstmDims& n, const LstmBuffers& b, const LstmGradBuffers& g,
                   int64_t stream, int64_t step, const float* grad_h, const float* more_grad_h) {
  const float* c_before = b.cell + (stream * (n.S + 1) + step) * n.U;
  cell_backward(n.U, keep_of(n, b, stream, step), b.gates + (stream * n.S + step) * 4 * n.U,
                c_before, c_before + n.U, grad_h, more_grad_h, g.grad_state_c + stream * n.U);
}

// The two factors that every step multiplies with.
struct StepFactors {
  linalg::RepeatedFactor recurrent;   // W_m [P, 4 U], or its transpose
  linalg::RepeatedFactor projection;  // W_P [U, P], or its transpose

  // Laying them out pays from the second step on.
  void pack(const tensor::Stream& stream, const LstmDims& n, const LstmBuffers& b) {
    if (n.S < 2) {
      return;
    }
    recurrent.pack(stream, b.packed);
    if (b.projection != nullptr) {
      projection.pack(stream, b.packed + recurrent_floats(n));
    }
  }
  static int64_t recurrent_floats(const LstmDims& n) {
    return linalg::RepeatedFactor::packed_floats(n.compute, 4 * n.U, n.P);
  }
  static int64_t projection_floats(const LstmDims& n) {
    return linalg::RepeatedFactor::packed_floats(n.compute, n.U, n.P);
  }
};

StepFactors forward_factors(const LstmDims& n, const LstmBuffers& b) {
  constexpr auto kPlain = linalg::Transpose::kNo;
  const linalg::MatrixView recurrent = {.data = b.kernel + n.I * 4 * n.U, .stride = 4 * n.U};
  const linalg::MatrixView projection = {.data = b.projection, .stride = n.P};
  return {.recurrent = {n.compute, recurrent, kPlain, 4 * n.U, n.P},
          .projection = {n.compute, projection, kPlain, n.P, n.U}};
}

StepFactors backward_factors(const LstmDims& n, const LstmBuffers& b) {
  constexpr auto kTransposed = linalg::Transpose::kYes;
  const linalg::MatrixView recurrent = {.data = b.kernel + n.I * 4 * n.U, .stride = 4 * n.U};
  const linalg::MatrixView projection = {.data = b.projection, .stride = n.P};
  return {.recurrent = {n.compute, recurrent, kTransposed, n.P, 4 * n.U},
          .projection = {n.compute, projection, kTransposed, n.U, n.P}};
}

// m = h W_P of one step of the streams [begin, end).
void project(const LstmDims& n, const LstmBuffers& b, const StepFactors& factors, int64_t begin,
             int64_t end, int64_t step) {
  factors.projection.multiply(
      end - begin, {.data = b.hidden + (begin * n.S + step) * n.U, .stride = n.S * n.U}, 0.0F,
      {.data = b.y + (begin * n.S + step) * n.P, .stride = n.S * n.P});
}

// The gradient of m, from outside and from the step after, and from it that of h.
void project_backward(const LstmDims& n, const LstmGradBuffers& g, const StepFactors& factors,
                      int64_t begin, int64_t end, int64_t step) {
  for (int64_t stream = begin; stream < end; ++stream) {
    const int64_t row = (stream * n.S + step) * n.P;
    for (int64_t p = 0; p < n.P; ++p) {
      g.grad_m[row + p] = g.grad_y[row + p] + g.grad_state_m[stream * n.P + p];
    }
  }
  factors.projection.multiply(end - begin,
                              {.data = g.grad_m + (begin * n.S + step) * n.P, .stride = n.S * n.P},
                              0.0F, {.data = g.grad_hidden + begin * n.U, .stride = n.U});
}

// Streams never meet, so each thread takes some of them through all steps without waiting.
void forward_streams(const LstmDims& n, const LstmBuffers& b, const StepFactors& factors,
                     int64_t begin, int64_t end) {
  const int64_t width = n.I + n.P;
  for (int64_t step = 0; step < n.S; ++step) {
    for (int64_t stream = begin; stream < end; ++stream) {
      enter_step(n, b, stream, step);
    }
    factors.recurrent.multiply(
        end - begin, {.data = b.xm + (begin * n.S + step) * width + n.I, .stride = n.S * width},
        1.0F, {.data = b.gates + (begin * n.S + step) * 4 * n.U, .stride = n.S * 4 * n.U});
    for (int64_t stream = begin; stream < end; ++stream) {
      step_forward(n, b, stream, step);
    }
    if (b.projection != nullptr) {
      project(n, b, factors, begin, end, step);
    }
  }
  for (int64_t stream = begin; stream < end; ++stream) {
    std::copy_n(b.y + (stream * n.S + n.S - 1) * n.P, n.P, b.state_m + stream * n.P);
    std::copy_n(b.cell + (stream * (n.S + 1) + n.S) * n.U, n.U, b.state_c + stream * n.U);
  }
}

void backward_streams(const LstmDims& n, const LstmBuffers& b, const LstmGradBuffers& g,
                      const StepFactors& factors, int64_t begin, int64_t end) {
  for (int64_t step = n.S - 1; step >= 0; --step) {
    if (b.projection != nullptr) {
      project_backward(n, g, factors, begin, end, step);
    }
    for (int64_t stream = begin; stream < end; ++stream) {
      if (b.projection != nullptr) {
        step_backward(n, b, g, stream, step, g.grad_hidden + stream * n.U, g.zeros);
      } else {
        step_backward(n, b, g, stream, step, g.grad_y + (stream * n.S + step) * n.U,
                      g.grad_state_m + stream * n.U);
      }
    }
    if (step == 0) {
      break;
    }
    factors.recurrent.multiply(
        end - begin, {.data = b.gates + (begin * n.S + step) * 4 * n.U, .stride = n.S * 4 * n.U},
        0.0F, {.data = g.grad_state_m + begin * n.P, .stride = n.P});
    for (int64_t stream = begin; stream < end; ++stream) {
      if (keep_of(n, b, stream, step) == 0.0F) {
        std::fill_n(g.grad_state_m + stream * n.P, n.P, 0.0F);
      }
    }
  }
}

int64_t streams_per_thread(const tensor::Stream& stream, int64_t count) {
  const int64_t threads = stream.threads->num_threads();
  return (count + threads - 1) / threads;
}

}  // namespace

int64_t lstm_packed_floats(const LstmDims& n) {
  return StepFactors::recurrent_floats(n) + StepFactors::projection_floats(n);
}

void lstm(const tensor::Stream& stream, const LstmDims& n, const LstmBuffers& b) {
  StepFactors factors = forward_factors(n, b);
  factors.pack(stream, n, b);
  stream.threads->parallel_for(
      n.B, streams_per_thread(stream, n.B),
      [&](int64_t begin, int64_t end) { forward_streams(n, b, factors, begin, end); });
}

void lstm_grad(const tensor::Stream& stream, const LstmDims& n, const LstmBuffers& b,
               const LstmGradBuffers& g) {
  StepFactors factors = backward_factors(n, b);
  factors.pack(stream, n, b);
  stream.threads->parallel_for(
      n.B, streams_per_thread(stream, n.B),
      [&](int64_t begin, int64_t end) { backward_streams(n, b, g, factors, begin, end); });
}

// One step alone, with the pre-activations that someone else made.
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

}  // namespace switchyard::ops::nn::cpu
