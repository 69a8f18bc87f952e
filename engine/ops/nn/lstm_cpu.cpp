#include <algorithm>

#include "ops/clones.h"
#include "ops/generic/vector_math.h"
#include "ops/linalg/sgemm_cpu.h"
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

// m = h W_P of one step of the streams [begin, end).
void project(const LstmDims& n, const LstmBuffers& b, int64_t begin, int64_t end, int64_t step) {
  linalg::sgemm({.M = end - begin, .N = n.P, .K = n.U},
                {.data = b.hidden + (begin * n.S + step) * n.U, .stride = n.S * n.U},
                {.data = b.projection, .stride = n.P},
                {.data = b.y + (begin * n.S + step) * n.P, .stride = n.S * n.P});
}

// The gradient of m, from outside and from the step after, and from it that of h.
void project_backward(const LstmDims& n, const LstmGradBuffers& g, int64_t begin, int64_t end,
                      int64_t step) {
  for (int64_t stream = begin; stream < end; ++stream) {
    const int64_t row = (stream * n.S + step) * n.P;
    for (int64_t p = 0; p < n.P; ++p) {
      g.grad_m[row + p] = g.grad_y[row + p] + g.grad_state_m[stream * n.P + p];
    }
  }
  linalg::sgemm({.M = end - begin, .N = n.U, .K = n.P},
                {.data = g.grad_m + (begin * n.S + step) * n.P, .stride = n.S * n.P},
                {.data = g.projection_t, .stride = n.U},
                {.data = g.grad_hidden + begin * n.U, .stride = n.U});
}

// Streams never meet, so each thread takes some of them through all steps without waiting.
void forward_streams(const LstmDims& n, const LstmBuffers& b, int64_t begin, int64_t end) {
  const int64_t width = n.I + n.P;
  for (int64_t step = 0; step < n.S; ++step) {
    for (int64_t stream = begin; stream < end; ++stream) {
      enter_step(n, b, stream, step);
    }
    linalg::sgemm({.M = end - begin, .N = 4 * n.U, .K = n.P, .beta = 1.0F},
                  {.data = b.xm + (begin * n.S + step) * width + n.I, .stride = n.S * width},
                  {.data = b.kernel + n.I * 4 * n.U, .stride = 4 * n.U},
                  {.data = b.gates + (begin * n.S + step) * 4 * n.U, .stride = n.S * 4 * n.U});
    for (int64_t stream = begin; stream < end; ++stream) {
      step_forward(n, b, stream, step);
    }
    if (b.projection != nullptr) {
      project(n, b, begin, end, step);
    }
  }
  for (int64_t stream = begin; stream < end; ++stream) {
    std::copy_n(b.y + (stream * n.S + n.S - 1) * n.P, n.P, b.state_m + stream * n.P);
    std::copy_n(b.cell + (stream * (n.S + 1) + n.S) * n.U, n.U, b.state_c + stream * n.U);
  }
}

void backward_streams(const LstmDims& n, const LstmBuffers& b, const LstmGradBuffers& g,
                      int64_t begin, int64_t end) {
  for (int64_t step = n.S - 1; step >= 0; --step) {
    if (b.projection != nullptr) {
      project_backward(n, g, begin, end, step);
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
    linalg::sgemm({.M = end - begin, .N = n.P, .K = 4 * n.U},
                  {.data = b.gates + (begin * n.S + step) * 4 * n.U, .stride = n.S * 4 * n.U},
                  {.data = g.kernel_t, .stride = n.P},
                  {.data = g.grad_state_m + begin * n.P, .stride = n.P});
    for (int64_t stream = begin; stream < end; ++stream) {
      if (keep_of(n, b, stream, step) == 0.0F) {
        std::fill_n(g.grad_state_m + stream * n.P, n.P, 0.0F);
      }
    }
  }
}

// Row r of out is column r of in, for rows [begin, end) of out.
void transpose_rows(float* out, const float* in, int64_t rows, int64_t columns, int64_t begin,
                    int64_t end) {
  constexpr int64_t kTile = 16;
  for (int64_t c = 0; c < columns; c += kTile) {
    for (int64_t r = begin; r < end; ++r) {
      for (int64_t i = c; i < std::min(c + kTile, columns); ++i) {
        out[r * columns + i] = in[i * rows + r];
      }
    }
  }
}

// The products with W_m^T and W_P^T stand in every step of the backward pass, and with so few rows
// they are twice as fast when the transposes lie there as they are. out [rows, columns].
void transpose(const tensor::Stream& stream, float* out, const float* in, int64_t rows,
               int64_t columns) {
  constexpr int64_t kRowsPerPiece = 64;
  stream.threads->parallel_for(rows, kRowsPerPiece, [&](int64_t begin, int64_t end) {
    transpose_rows(out, in, rows, columns, begin, end);
  });
}

int64_t streams_per_thread(const tensor::Stream& stream, int64_t count) {
  const int64_t threads = stream.threads->num_threads();
  return (count + threads - 1) / threads;
}

}  // namespace

void lstm(const tensor::Stream& stream, const LstmDims& n, const LstmBuffers& b) {
  stream.threads->parallel_for(
      n.B, streams_per_thread(stream, n.B),
      [&](int64_t begin, int64_t end) { forward_streams(n, b, begin, end); });
}

void lstm_grad(const tensor::Stream& stream, const LstmDims& n, const LstmBuffers& b,
               const LstmGradBuffers& g) {
  transpose(stream, g.kernel_t, b.kernel + n.I * 4 * n.U, 4 * n.U, n.P);
  if (b.projection != nullptr) {
    transpose(stream, g.projection_t, b.projection, n.P, n.U);
  }
  stream.threads->parallel_for(
      n.B, streams_per_thread(stream, n.B),
      [&](int64_t begin, int64_t end) { backward_streams(n, b, g, begin, end); });
}

}  // namespace switchyard::ops::nn::cpu
