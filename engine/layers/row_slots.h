#pragma once

#include "layers/pass.h"
#include "tensor/parameter.h"

namespace switchyard::layers {

/// Where to add the gradient of some rows of a parameter: row positions[i] of `grad` belongs to the
/// i-th row asked for.
struct RowSlots {
  tensor::Tensor grad;       // [n, ...], valid until the parameter's next touch_rows()
  tensor::Tensor positions;  // [rows asked for] i32, -1 for -1
};

/// Whether the parameter keeps its gradient by row or dense: makes room for the rows `ids` [n] i32
/// (indices of axis 0, also repeated; -1 stands for none), and says where they are. Takes from
/// pass.scratch.
[[nodiscard]] RowSlots touch_rows(tensor::Parameter& parameter, const tensor::Tensor& ids,
                                  Pass& pass);

}  // namespace switchyard::layers
