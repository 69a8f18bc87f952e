#pragma once

#include "ops/backend.h"
#include "tensor/out.h"

namespace switchyard::ops::nn {

/// sums [columns] += the sum over the rows of x [rows, columns], in rising row for every column:
/// the gradient of a bias.
void add_column_sums(const Backend& backend, const tensor::Tensor& x, tensor::Out sums);

}  // namespace switchyard::ops::nn
