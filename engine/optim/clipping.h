#pragma once

#include "ops/backend.h"
#include "tensor/out.h"
#include "tensor/parameter.h"

namespace switchyard::optim {

/// squares [1] f64 = the square of the Euclidean norm of all gradients together. NaN or Inf if any
/// value is NaN or Inf. Determinism: the order of summation does not depend on the number of
/// threads.
void squared_grad_norm(const ops::Backend& backend, const tensor::ParameterSet& parameters,
                       tensor::Out squares);

/// The factor that reduces gradients of this norm to a norm of at most max_norm; 1 if max_norm is
/// 0. Source: Pascanu et al. 2013, "On the difficulty of training recurrent neural networks".
[[nodiscard]] double clip_factor(double grad_norm, double max_norm);

}  // namespace switchyard::optim
