#pragma once

#include "layers/pass.h"
#include "tensor/parameter.h"

namespace switchyard::layers {

/// Where to add the gradient of some rows of a parameter: row positions[i] of `grad` belongs to the
/// i-th requested row.
struct RowSlots {
  tensor::Tensor grad;       // [n, ...], valid until the parameter's next touch_rows()
  tensor::Tensor positions;  // [requested rows] i32, -1 for -1
};

/// Makes room for the gradient of the rows `ids` [n] i32 (indices of axis 0, possibly repeated; -1
/// stands for none) and says where they are, for a gradient kept by row or dense. Takes memory from
/// pass.scratch.
[[nodiscard]] RowSlots touch_rows(tensor::Parameter& parameter, const tensor::Tensor& ids,
                                  Pass& pass);

}  // namespace switchyard::layers
