#pragma once

#include "ops/backend.h"
#include "tensor/out.h"

namespace switchyard::ops::nn {

/// sums [columns] += the sum over the rows of x [rows, columns], from the first row to the last:
/// the gradient of a bias.
void add_column_sums(const Backend& backend, const tensor::Tensor& x, tensor::Out sums);

}  // namespace switchyard::ops::nn
