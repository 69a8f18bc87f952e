#include <algorithm>

#include "ops/linalg/repeated_factor.h"
#include "ops/nn/kernels.h"
#include "ops/nn/lstm_cell_cpu.h"

namespace switchyard::ops::nn {

namespace {

// Row of gates, cell, hidden, xm and grad_m: the streams of a step lie together, so that a step
// reads and writes contiguous memory.
int64_t row_of(const LstmDims& n, int64_t stream, int64_t step) {
  return step * n.B + stream;
}

// Row of x, y and their gradients: the steps of a stream lie together.
int64_t outer_row_of(const LstmDims& n, int64_t stream, int64_t step) {
  return stream * n.S + step;
}

// 0 where the state is zeroed before this step, else 1.
float keep_of(const LstmDims& n, const LstmBuffers& b, int64_t stream, int64_t step) {
  return b.resets != nullptr && b.resets[stream * n.S + step] != 0 ? 0.0F : 1.0F;
}

void copy_input(const LstmDims& n, const LstmBuffers& b, int64_t stream, int64_t step) {
  std::copy_n(b.x + outer_row_of(n, stream, step) * n.I, n.I,
              b.xm + row_of(n, stream, step) * (n.I + n.P));
}

// Puts the previous output beside x and picks the previous cell: zeros after a reset.
void enter_step(const LstmDims& n, const LstmBuffers& b, int64_t stream, int64_t step) {
  float* row = b.xm + row_of(n, stream, step) * (n.I + n.P);
  if (step == 0) {
    std::copy_n(b.state_c + stream * n.U, n.U, b.cell + stream * n.U);
  }
  const float* m_before =
      step == 0 ? b.state_m + stream * n.P : b.y + outer_row_of(n, stream, step - 1) * n.P;
  if (keep_of(n, b, stream, step) == 0.0F) {
    std::fill_n(row + n.I, n.P, 0.0F);
  } else {
    std::copy_n(m_before, n.P, row + n.I);
  }
}

void step_forward(const LstmDims& n, const LstmBuffers& b, int64_t stream, int64_t step) {
  const int64_t row = row_of(n, stream, step);
  float* h =
      b.projection != nullptr ? b.hidden + row * n.U : b.y + outer_row_of(n, stream, step) * n.P;
  cell_forward(n.U, b.bias, n.forget_bias, keep_of(n, b, stream, step), b.gates + row * 4 * n.U,
               b.cell + row * n.U, b.cell + (row + n.B) * n.U, h);
}

// grad_h and more_grad_h are those of one stream. grad_bias [4 U] is added to.
void step_backward(const LstmDims& n, const LstmBuffers& b, const LstmGradBuffers& g,
                   int64_t stream, int64_t step, const float* grad_h, const float* more_grad_h,
                   float* grad_bias) {
  const int64_t row = row_of(n, stream, step);
  float* gates = b.gates + row * 4 * n.U;
  cell_backward(n.U, keep_of(n, b, stream, step), gates, b.cell + row * n.U,
                b.cell + (row + n.B) * n.U, grad_h, more_grad_h, g.grad_state_c + stream * n.U);
  add_to_sums(4 * n.U, gates, grad_bias);
}

// With fewer streams per thread a step reads W_x more slowly than it multiplies; then all threads
// together multiply with it, each with columns of its own.
constexpr int64_t kRowsForSteps = 12;

// The factors that every step multiplies with.
struct StepFactors {
  bool with_input;                    // W_x within the steps, see kRowsForSteps
  linalg::RepeatedFactor input;       // W_x [I, 4 U], or its transpose
  linalg::RepeatedFactor recurrent;   // W_m [P, 4 U], or its transpose
  linalg::RepeatedFactor projection;  // W_P [U, P], or its transpose

  // Laying them out pays from the second step on.
  void pack(const tensor::Stream& stream, const LstmDims& n, const LstmBuffers& b) {
    if (n.S < 2) {
      return;
    }
    float* packed = b.scratch;
    recurrent.pack(stream, packed);
    packed += recurrent_floats(n);
    if (b.projection != nullptr) {
      projection.pack(stream, packed);
    }
    packed += projection_floats(n);
    if (with_input) {
      input.pack(stream, packed);
    }
  }
  static int64_t recurrent_floats(const LstmDims& n) {
    return linalg::RepeatedFactor::packed_floats(n.compute, 4 * n.U, n.P);
  }
  static int64_t projection_floats(const LstmDims& n) {
    return linalg::RepeatedFactor::packed_floats(n.compute, n.U, n.P);
  }
  static int64_t floats(const LstmDims& n) {
    return recurrent_floats(n) + projection_floats(n) +
           linalg::RepeatedFactor::packed_floats(n.compute, 4 * n.U, n.I);
  }
};

bool multiplies_inputs_in_steps(const tensor::Stream& stream, const LstmDims& n) {
  return streams_per_thread(stream, n.B) >= kRowsForSteps;
}

StepFactors step_factors(const tensor::Stream& stream, const LstmDims& n, const LstmBuffers& b,
                         linalg::Transpose transpose) {
  const auto factor = [&](const float* weights, int64_t rows, int64_t columns) {
    const linalg::MatrixView view = {.data = weights, .stride = columns};
    return transpose == linalg::Transpose::kNo
               ? linalg::RepeatedFactor(n.compute, view, transpose, columns, rows)
               : linalg::RepeatedFactor(n.compute, view, transpose, rows, columns);
  };
  return {.with_input = multiplies_inputs_in_steps(stream, n),
          .input = factor(b.kernel, n.I, 4 * n.U),
          .recurrent = factor(b.kernel + n.I * 4 * n.U, n.P, 4 * n.U),
          .projection = factor(b.projection, n.U, n.P)};
}

// The gates of one step of the streams [begin, end) before their activation.
void multiply_forward(const LstmDims& n, const LstmBuffers& b, const StepFactors& factors,
                      int64_t begin, int64_t end, int64_t step) {
  const int64_t width = n.I + n.P;
  const float* xm = b.xm + row_of(n, begin, step) * width;
  const linalg::MatrixOut gates = {.data = b.gates + row_of(n, begin, step) * 4 * n.U,
                                   .stride = 4 * n.U};
  if (factors.with_input) {
    factors.input.multiply(end - begin, {.data = xm, .stride = width}, 0.0F, gates);
  }
  factors.recurrent.multiply(end - begin, {.data = xm + n.I, .stride = width}, 1.0F, gates);
}

// m = h W_P of one step of the streams [begin, end).
void project(const LstmDims& n, const LstmBuffers& b, const StepFactors& factors, int64_t begin,
             int64_t end, int64_t step) {
  factors.projection.multiply(
      end - begin, {.data = b.hidden + row_of(n, begin, step) * n.U, .stride = n.U}, 0.0F,
      {.data = b.y + outer_row_of(n, begin, step) * n.P, .stride = n.S * n.P});
}

void forward_streams(const LstmDims& n, const LstmBuffers& b, const StepFactors& factors,
                     int64_t begin, int64_t end) {
  for (int64_t step = 0; step < n.S; ++step) {
    for (int64_t stream = begin; stream < end; ++stream) {
      if (factors.with_input) {
        copy_input(n, b, stream, step);
      }
      enter_step(n, b, stream, step);
    }
    multiply_forward(n, b, factors, begin, end, step);
    for (int64_t stream = begin; stream < end; ++stream) {
      step_forward(n, b, stream, step);
    }
    if (b.projection != nullptr) {
      project(n, b, factors, begin, end, step);
    }
  }
  for (int64_t stream = begin; stream < end; ++stream) {
    std::copy_n(b.y + outer_row_of(n, stream, n.S - 1) * n.P, n.P, b.state_m + stream * n.P);
    std::copy_n(b.cell + row_of(n, stream, n.S) * n.U, n.U, b.state_c + stream * n.U);
  }
}

// Adds up the gradient of m, from outside and from the next step, and computes that of h from it.
void project_backward(const LstmDims& n, const LstmGradBuffers& g, const StepFactors& factors,
                      int64_t begin, int64_t end, int64_t step) {
  for (int64_t stream = begin; stream < end; ++stream) {
    const float* grad_y = g.grad_y + outer_row_of(n, stream, step) * n.P;
    float* grad_m = g.grad_m + row_of(n, stream, step) * n.P;
    for (int64_t p = 0; p < n.P; ++p) {
      grad_m[p] = grad_y[p] + g.grad_state_m[stream * n.P + p];
    }
  }
  factors.projection.multiply(end - begin,
                              {.data = g.grad_m + row_of(n, begin, step) * n.P, .stride = n.P},
                              0.0F, {.data = g.grad_hidden + begin * n.U, .stride = n.U});
}

// The gradients of the cells of one step of the streams [begin, end).
void cells_backward(const LstmDims& n, const LstmBuffers& b, const LstmGradBuffers& g,
                    int64_t begin, int64_t end, int64_t step, float* grad_bias) {
  for (int64_t stream = begin; stream < end; ++stream) {
    if (b.projection != nullptr) {
      step_backward(n, b, g, stream, step, g.grad_hidden + stream * n.U, g.zeros, grad_bias);
    } else {
      step_backward(n, b, g, stream, step, g.grad_y + outer_row_of(n, stream, step) * n.U,
                    g.grad_state_m + stream * n.U, grad_bias);
    }
  }
}

// Computes the gradients of x and of the previous output from the gradient of one step's gates.
void multiply_backward(const LstmDims& n, const LstmBuffers& b, const LstmGradBuffers& g,
                       const StepFactors& factors, int64_t begin, int64_t end, int64_t step) {
  const linalg::MatrixView gates = {.data = b.gates + row_of(n, begin, step) * 4 * n.U,
                                    .stride = 4 * n.U};
  if (factors.with_input) {
    factors.input.multiply(
        end - begin, gates, 1.0F,
        {.data = g.grad_x + outer_row_of(n, begin, step) * n.I, .stride = n.S * n.I});
  }
  if (step == 0) {
    return;
  }
  factors.recurrent.multiply(end - begin, gates, 0.0F,
                             {.data = g.grad_state_m + begin * n.P, .stride = n.P});
  for (int64_t stream = begin; stream < end; ++stream) {
    if (keep_of(n, b, stream, step) == 0.0F) {
      std::fill_n(g.grad_state_m + stream * n.P, n.P, 0.0F);
    }
  }
}

void backward_streams(const LstmDims& n, const LstmBuffers& b, const LstmGradBuffers& g,
                      const StepFactors& factors, int64_t begin, int64_t end, float* grad_bias) {
  std::fill_n(grad_bias, 4 * n.U, 0.0F);
  for (int64_t step = n.S - 1; step >= 0; --step) {
    if (b.projection != nullptr) {
      project_backward(n, g, factors, begin, end, step);
    }
    cells_backward(n, b, g, begin, end, step, grad_bias);
    multiply_backward(n, b, g, factors, begin, end, step);
  }
}

// x W_x of all steps at once.
void multiply_inputs(const tensor::Stream& stream, const LstmDims& n, const LstmBuffers& b) {
  stream.threads->parallel_for(n.B * n.S, kRowsForSteps, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      copy_input(n, b, row % n.B, row / n.B);
    }
  });
  linalg::cpu_kernels().gemm(stream, {.M = n.S * n.B, .N = 4 * n.U, .K = n.I, .compute = n.compute},
                             {.data = b.xm, .stride = n.I + n.P},
                             {.data = b.kernel, .stride = 4 * n.U},
                             {.data = b.gates, .stride = 4 * n.U});
}

// The gradient of x of all steps at once; `rows` [S * B, I] is scratch.
void multiply_inputs_backward(const tensor::Stream& stream, const LstmDims& n, const LstmBuffers& b,
                              const LstmGradBuffers& g, float* rows) {
  linalg::cpu_kernels().gemm(stream,
                             {.M = n.S * n.B,
                              .N = n.I,
                              .K = 4 * n.U,
                              .transpose_b = linalg::Transpose::kYes,
                              .compute = n.compute},
                             {.data = b.gates, .stride = 4 * n.U},
                             {.data = b.kernel, .stride = 4 * n.U}, {.data = rows, .stride = n.I});
  stream.threads->parallel_for(n.B * n.S, kRowsForSteps, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      add_to_sums(n.I, rows + row * n.I, g.grad_x + outer_row_of(n, row % n.B, row / n.B) * n.I);
    }
  });
}

// The scratch: packed factors, the bias gradient of each thread, and the gradient of x by steps.
int64_t lstm_scratch_floats(const tensor::Stream& stream, const LstmDims& n) {
  const int64_t input_rows = multiplies_inputs_in_steps(stream, n) ? 0 : n.S * n.B * n.I;
  return StepFactors::floats(n) + stream.threads->num_threads() * 4 * n.U + input_rows;
}

void lstm(const tensor::Stream& stream, const LstmDims& n, const LstmBuffers& b) {
  StepFactors factors = step_factors(stream, n, b, linalg::Transpose::kNo);
  factors.pack(stream, n, b);
  if (!factors.with_input) {
    multiply_inputs(stream, n, b);
  }
  stream.threads->parallel_for(
      n.B, streams_per_thread(stream, n.B),
      [&](int64_t begin, int64_t end) { forward_streams(n, b, factors, begin, end); });
}

void lstm_grad(const tensor::Stream& stream, const LstmDims& n, const LstmBuffers& b,
               const LstmGradBuffers& g) {
  StepFactors factors = step_factors(stream, n, b, linalg::Transpose::kYes);
  factors.pack(stream, n, b);
  float* bias_sums = b.scratch + StepFactors::floats(n);
  const int64_t grain = streams_per_thread(stream, n.B);
  stream.threads->parallel_for(n.B, grain, [&](int64_t begin, int64_t end) {
    backward_streams(n, b, g, factors, begin, end, bias_sums + begin / grain * 4 * n.U);
  });
  for (int64_t begin = 0; begin < n.B; begin += grain) {
    add_to_sums(4 * n.U, bias_sums + begin / grain * 4 * n.U, g.grad_bias);
  }
  if (!factors.with_input) {
    multiply_inputs_backward(stream, n, b, g, bias_sums + stream.threads->num_threads() * 4 * n.U);
  }
}

}  // namespace

void add_lstm_cpu(Kernels& kernels) {
  kernels.lstm_scratch_floats = lstm_scratch_floats;
  kernels.lstm = lstm;
  kernels.lstm_grad = lstm_grad;
}

}  // namespace switchyard::ops::nn
