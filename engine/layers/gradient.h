#pragma once

#include "ops/backend.h"
#include "tensor/parameter.h"

namespace switchyard::layers {

/// The dense gradient of a parameter, to be added to piece by piece: all zero if it was dropped.
/// A caller that adds to all of it at once saves that pass over memory with
/// Parameter::take_grad_beta().
[[nodiscard]] const tensor::Tensor& summed_grad(const ops::Backend& backend,
                                                tensor::Parameter& parameter);

/// The end of a backward pass: gradients to which nothing was added are zero.
void settle_gradients(const ops::Backend& backend, tensor::ParameterSet& parameters);

/// Bytes that the gradient of a parameter takes in a step of that many tokens. Where it is kept by
/// row, as many rows as there are different words in such a text by Zipf's law: the r-th most
/// frequent one has a probability in proportion to 1 / r.
[[nodiscard]] double gradient_bytes(const tensor::Parameter& parameter, int64_t num_tokens);

}  // namespace switchyard::layers
