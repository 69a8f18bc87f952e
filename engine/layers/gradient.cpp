#include "layers/gradient.h"

#include "ops/generic/pointwise.h"

namespace switchyard::layers {

const tensor::Tensor& summed_grad(const ops::Backend& backend, tensor::Parameter& parameter) {
  if (parameter.take_grad_beta() == 0.0F) {
    ops::generic::fill(backend, 0.0, parameter.grad);
  }
  return parameter.grad;
}

void settle_gradients(const ops::Backend& backend, tensor::ParameterSet& parameters) {
  for (tensor::Parameter& parameter : parameters.all()) {
    (void)summed_grad(backend, parameter);
  }
}

}  // namespace switchyard::layers
