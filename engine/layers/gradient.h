#pragma once

#include "ops/backend.h"
#include "tensor/parameter.h"

namespace switchyard::layers {

/// The dense gradient of a parameter, for a caller that adds to parts of it; sets it to zero if it
/// was dropped. A caller that adds to all of it at once avoids that pass over memory with
/// Parameter::take_grad_beta().
[[nodiscard]] const tensor::Tensor& summed_grad(const ops::Backend& backend,
                                                tensor::Parameter& parameter);

/// Ends a backward pass: sets gradients to zero to which nothing was added.
void settle_gradients(const ops::Backend& backend, tensor::ParameterSet& parameters);

/// Bytes that the gradient of a parameter takes in a step of `num_tokens` tokens. For a gradient by
/// row, the number of rows is that of the distinct words in such a text by Zipf's law: the
/// probability of the r-th most frequent word is proportional to 1 / r.
[[nodiscard]] double gradient_bytes(const tensor::Parameter& parameter, int64_t num_tokens);

}  // namespace switchyard::layers
