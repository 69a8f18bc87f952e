#include "layers/row_slots.h"

#include "layers/gradient.h"

namespace switchyard::layers {

RowSlots touch_rows(tensor::Parameter& parameter, const tensor::Tensor& ids, Pass& pass) {
  if (!parameter.row_grad.defined()) {
    return {.grad = summed_grad(pass.backend, parameter), .positions = ids};
  }
  const tensor::Tensor positions = pass.scratch->take(tensor::DType::kI32, {ids.count()});
  parameter.row_grad.touch(ids, positions);
  return {.grad = parameter.row_grad.values(), .positions = positions};
}

}  // namespace switchyard::layers
