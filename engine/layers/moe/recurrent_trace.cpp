#include "layers/moe/recurrent_trace.h"

#include "ops/generic/affine.h"
#include "ops/generic/pointwise.h"

namespace switchyard::layers {

using ops::generic::Binary;
using tensor::DType;
using tensor::Tensor;

RecurrentTrace::RecurrentTrace(const Shape& shape, const Mixture& mixture, Pass& pass)
    : shape_(shape),
      routing_(take_routing({.choices = {shape.num_streams * shape.num_steps, mixture.top_k()},
                             .experts = {mixture.num_experts()}},
                            pass)),
      offsets_(pass.take(DType::kI32, {mixture.num_experts() + 1})) {
  ops::generic::fill(pass.backend, 0.0, offsets_);
}

void RecurrentTrace::add(int64_t step, const Mixture::Output& mixed, Pass& pass) const {
  const ops::Backend& on = pass.backend;
  const Routing& one = mixed.routing;
  const tensor::Shape by_step = {shape_.num_streams, shape_.num_steps, one.expert_index.size(1)};
  ops::generic::copy(on, one.expert_index, routing_.expert_index.reshape(by_step).select(1, step));
  ops::generic::copy(on, one.gate_weight, routing_.gate_weight.reshape(by_step).select(1, step));
  ops::generic::binary(on, Binary::kAdd, routing_.importance, one.importance, routing_.importance);
  ops::generic::binary(on, Binary::kAdd, routing_.load, one.load, routing_.load);
  const tensor::ScratchScope scope(*pass.scratch);
  const Tensor share = pass.scratch->take(DType::kF32, {1});
  ops::generic::affine(on, one.aux_loss, 1.0 / static_cast<double>(shape_.num_steps), 0.0, share);
  ops::generic::binary(on, Binary::kAdd, routing_.aux_loss, share, routing_.aux_loss);
  // Offsets add up: the rows before an expert in all steps are the sum of those in each step.
  ops::moe::add_counts(on, mixed.plan.offsets, offsets_);
}

}  // namespace switchyard::layers
