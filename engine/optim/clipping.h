#pragma once

#include "ops/backend.h"
#include "tensor/out.h"
#include "tensor/parameter.h"

namespace switchyard::optim {

/// squares [1] f64 = the square of the Euclidean norm of all gradients together. NaN or Inf if any
/// value is. Determinism: a fixed order of summation, whatever the number of threads.
void squared_grad_norm(const ops::Backend& backend, const tensor::ParameterSet& parameters,
                       tensor::Out squares);

/// What to multiply gradients of that norm with so that it is at most max_norm; 1 where max_norm is
/// 0. Source: Pascanu et al. 2013, "On the difficulty of training recurrent neural networks".
[[nodiscard]] double clip_factor(double grad_norm, double max_norm);

}  // namespace switchyard::optim
