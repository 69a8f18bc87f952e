#pragma once

#include "ops/backend.h"
#include "tensor/out.h"

namespace switchyard::ops::loss {

/// nll_t = -log softmax(logits_t + bias)[targets_t], in nats; 0 where the target is -1.
///
///   bias     [V]
///   targets  [T] i32 in [-1, V)
///   logits   [T, V]  without the bias; left undefined
///   nll      [T]
void softmax_cross_entropy(const Backend& backend, const tensor::Tensor& bias,
                           const tensor::Tensor& targets, tensor::Out logits, tensor::Out nll);

/// The same, and replaces logits with the gradient of grad_scale * sum of nll:
///   logits_t = grad_scale * (softmax(logits_t + bias) - onehot(targets_t)), 0 where the target is
///   -1.
void softmax_cross_entropy_with_grad(const Backend& backend, const tensor::Tensor& bias,
                                     const tensor::Tensor& targets, double grad_scale,
                                     tensor::Out logits, tensor::Out nll);

}  // namespace switchyard::ops::loss
