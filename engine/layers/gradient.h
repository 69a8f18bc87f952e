#pragma once

#include "ops/backend.h"
#include "tensor/parameter.h"

namespace switchyard::layers {

/// The dense gradient of a parameter, to be added to piece by piece: all zero if it was dropped.
/// Whoever adds to all of it at once saves that pass over memory with Parameter::take_grad_beta().
[[nodiscard]] const tensor::Tensor& summed_grad(const ops::Backend& backend,
                                                tensor::Parameter& parameter);

/// The end of a backward pass: gradients to which nothing was added are zero.
void settle_gradients(const ops::Backend& backend, tensor::ParameterSet& parameters);

}  // namespace switchyard::layers
