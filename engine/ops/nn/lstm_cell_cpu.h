#pragma once

#include <cstdint>

#include "tensor/memory.h"

namespace switchyard::ops::nn {

// The U cells of one stream in one step, for the kernels of lstm.h and lstm_cell.h. On the calling
// thread.

/// Gate activations in place of pre-activations [4 U] without bias; c and h from them. keep is 0
/// after a reset of the state, else 1.
void cell_forward(int64_t U, const float* bias, float forget_bias, float keep, float* gates,
                  const float* c_before, float* c, float* h);

/// Gradient of the pre-activations in place of the gate activations. The gradient of h is grad_h +
/// more_grad_h. grad_c holds the gradient of c and becomes that of c_before.
void cell_backward(int64_t U, float keep, float* gates, const float* c_before, const float* c,
                   const float* grad_h, const float* more_grad_h, float* grad_c);

/// sums += values
void add_to_sums(int64_t count, const float* values, float* sums);

/// Streams are independent, so each thread takes this many.
[[nodiscard]] int64_t streams_per_thread(const tensor::Stream& stream, int64_t count);

}  // namespace switchyard::ops::nn
