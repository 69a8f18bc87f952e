#include "layers/dropout_residual.h"

namespace switchyard::layers {

using tensor::DType;
using tensor::Tensor;

namespace {

struct Kept {
  Tensor activated;
  Tensor mask;  // undefined without dropout
};

}  // namespace

ops::nn::DropoutSpec DropoutResidual::spec(const Pass& pass) const {
  return {.drop_probability = pass.is_training() ? drop_probability_ : 0.0,
          .activation = activation_,
          .key = core::rng_key(pass.seed, name_, static_cast<uint32_t>(core::RngPurpose::kDropout)),
          .position = {.step = pass.step, .microbatch = pass.microbatch},
          .token_base = pass.token_base};
}

Tensor DropoutResidual::forward(const Tensor& v, const Tensor& residual, Pass& pass) const {
  const ops::nn::DropoutSpec dropout = spec(pass);
  const Tensor out = pass.take(DType::kF32, v.shape());
  const Tensor mask = dropout.drop_probability > 0.0 ? pass.take(DType::kU8, v.shape()) : Tensor();
  ops::nn::residual_dropout(pass.backend, dropout, residual, v, out, mask);
  pass.keep(Kept{.activated = v, .mask = mask});
  return out;
}

Tensor DropoutResidual::backward(const Tensor& grad_y, Pass& pass) const {
  const auto [activated, mask] = pass.restore<Kept>();
  const Tensor grad_v = pass.take(DType::kF32, activated.shape());
  ops::nn::residual_dropout_grad(pass.backend, spec(pass), grad_y, activated, mask, grad_v);
  return grad_v;
}

}  // namespace switchyard::layers
