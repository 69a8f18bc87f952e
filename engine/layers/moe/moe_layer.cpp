#include "layers/moe/moe_layer.h"

#include <utility>

#include "ops/generic/affine.h"

namespace switchyard::layers {

using tensor::DType;
using tensor::Tensor;

namespace {

struct Kept {
  Routing routing;
};

}  // namespace

MoeLayer::MoeLayer(std::string name, int32_t index, int64_t d_model, const MoeConfig& config,
                   ComponentFactory& factory, tensor::ParameterSet& parameters)
    : name_(std::move(name)),
      mixture_({.name = name_, .index = index, .d_in = d_model, .d_out = d_model}, config, factory,
               parameters) {
  if (mixture_.has_gate() && config.balance.by != BalanceBy::kGate) {
    balance_.emplace(config.balance, mixture_.costs());
  }
}

Tensor MoeLayer::forward(const Tensor& x, const SequenceInfo& sequence, Pass& pass) {
  const Mixture::Output mixed = mixture_.forward(
      {.x = x, .mask = sequence.mask, .token_ids = sequence.tokens, .sequence = sequence.streams},
      pass);
  if (balance_) {
    balance_->add_loss(mixed.routing, pass);
    pass.keep(Kept{mixed.routing});
  }
  if (mixture_.has_gate()) {
    pass.traces.push_back({.layer = this, .routing = mixed.routing, .offsets = mixed.plan.offsets});
  }
  return mixed.y;
}

void MoeLayer::backward(const Tensor& grad_y, const SequenceInfo& /*sequence*/,
                        const Tensor& grad_x, Pass& pass) {
  const Tensor grad_aux_loss = pass.take(DType::kF32, {1});
  ops::generic::fill(pass.backend, 1.0, grad_aux_loss);
  Balance::Gradient asked;
  if (balance_) {
    const auto [routing] = pass.restore<Kept>();
    asked = balance_->gradient(routing, grad_aux_loss, pass);
  }
  mixture_.backward(grad_y,
                    {.grad_aux_loss = grad_aux_loss,
                     .grad_x = grad_x,
                     .grad_importance = asked.importance,
                     .grad_load = asked.load},
                    pass);
}

}  // namespace switchyard::layers
