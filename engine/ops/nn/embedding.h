#pragma once

#include "ops/backend.h"
#include "tensor/out.h"

namespace switchyard::ops::nn {

/// out[t] = table[tokens[t]]
///
///   table   [V, D] f32
///   tokens  [T] i32 in [0, V)
///   out     [T, D]
///
/// Throws Error(kInvalidArgument) for a token outside the table (on the CPU).
void embedding(const Backend& backend, const tensor::Tensor& table, const tensor::Tensor& tokens,
               tensor::Out out);

/// grad_table[tokens[t]] += grad_out[t], in ascending order of t.
void embedding_grad(const Backend& backend, const tensor::Tensor& grad_out,
                    const tensor::Tensor& tokens, tensor::Out grad_table);

}  // namespace switchyard::ops::nn
