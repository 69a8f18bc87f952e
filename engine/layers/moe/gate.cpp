#include "layers/moe/gate.h"

#include "ops/generic/affine.h"

namespace switchyard::layers {

using tensor::DType;
using tensor::Tensor;

Routing take_routing(const RoutingShape& shape, Pass& pass) {
  Routing routing = {.expert_index = pass.take(DType::kI32, shape.choices),
                     .gate_weight = pass.take(DType::kF32, shape.choices),
                     .importance = pass.take(DType::kF32, shape.experts),
                     .load = pass.take(DType::kF32, shape.experts),
                     .aux_loss = pass.take(DType::kF32, {shape.num_losses})};
  for (const Tensor& out : {routing.expert_index, routing.gate_weight, routing.importance,
                            routing.load, routing.aux_loss}) {
    ops::generic::fill(pass.backend, 0.0, out);
  }
  return routing;
}

}  // namespace switchyard::layers
