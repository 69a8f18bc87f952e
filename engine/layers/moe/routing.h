#pragma once

#include "tensor/tensor.h"

namespace switchyard::layers {

class Routed;

/// A gate's decision for one batch: T tokens, K experts per token, E experts over all ranks.
struct Routing {
  tensor::Tensor expert_index;  // [T, K] i32, global expert ids, -1 = empty slot
  tensor::Tensor gate_weight;   // [T, K] f32
  tensor::Tensor importance;    // [E]    f32, sum of gate weights per expert
  tensor::Tensor load;          // [E]    f32, smooth count of tokens per expert
  tensor::Tensor aux_loss;      // [1]    f32, already weighted; add it to the task loss
};

/// The routing of a batch of T rows by one layer, for losses and reports. Valid until the pass's
/// arena is reset.
struct MoeTrace {
  const Routed* layer = nullptr;
  Routing routing;
  tensor::Tensor offsets;  // [E + 1] i32: expert e got offsets[e + 1] - offsets[e] rows
};

}  // namespace switchyard::layers
