#pragma once

#include "ops/backend.h"
#include "ops/nn/kernels.h"
#include "tensor/out.h"

namespace switchyard::ops::nn {

/// The dropout of a layer's output, and the random numbers that decide it.
struct DropoutSpec {
  double drop_probability = 0.0;  // in [0, 1), rounded to a multiple of 2^-16
  OutputActivation activation = OutputActivation::kIdentity;
  core::RngKey key;
  core::RngPosition position;
  int64_t token_base = 0;  // global index of row 0
};

/// out = residual + dropout(activation(v)), where dropout sets a value to zero with
/// drop_probability and otherwise divides it by 1 - drop_probability.
///
///   residual  [T, D]     undefined: none
///   v         [T, D]     overwritten by activation(v)
///   out       [T, D]
///   kept      [T, D] u8  written: 1 where a value was kept; undefined where drop_probability is 0
///
/// Determinism: value (t, d) is decided by the global element (token_base + t) * D + d alone.
/// Source: Shazeer et al. 2017, C.1 (dropout after Zaremba et al. 2014, then the residual).
void residual_dropout(const Backend& backend, const DropoutSpec& spec,
                      const tensor::Tensor& residual, tensor::Out v, tensor::Out out,
                      tensor::Out kept);

/// grad_v = grad_out * kept / (1 - drop_probability) * activation'(v)
///
///   activated  [T, D]  activation(v), as residual_dropout() left it
void residual_dropout_grad(const Backend& backend, const DropoutSpec& spec,
                           const tensor::Tensor& grad_out, const tensor::Tensor& activated,
                           const tensor::Tensor& kept, tensor::Out grad_v);

}  // namespace switchyard::ops::nn
