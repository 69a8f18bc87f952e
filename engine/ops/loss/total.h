#pragma once

#include "ops/backend.h"
#include "tensor/out.h"

namespace switchyard::ops::loss {

/// total = the sum of the tokens' losses, in token order and in double.
///
///   nll    [T] f32
///   total  [1] f64
void total(const Backend& backend, const tensor::Tensor& nll, tensor::Out total);

}  // namespace switchyard::ops::loss
