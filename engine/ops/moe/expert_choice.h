#pragma once

#include "ops/backend.h"
#include "tensor/out.h"

namespace switchyard::ops::moe {

/// Turns experts that choose tokens into tokens that have experts. T tokens, K slots per token, E
/// experts, C choices per expert.
///
///   token_index   [E, C] i32, in [-1, T); -1 = empty
///   expert_index  [T, K] i32: the experts of each token in ascending order, then -1
///   slot          [E, C] i32: where in [T, K] a choice went, t K + k, or -1
///
/// put_add() along `slot` moves the weights and take() along `slot` their gradients.
///
/// Throws Error(kInvalidArgument) if a token does not exist, if an expert chooses a token twice, or
/// if more than K experts choose the same token. Reads token_index back, so it waits for the
/// device.
void tokens_of_choice(const Backend& backend, const tensor::Tensor& token_index,
                      tensor::Out expert_index, tensor::Out slot);

}  // namespace switchyard::ops::moe
