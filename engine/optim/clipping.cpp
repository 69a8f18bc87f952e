#include "optim/clipping.h"

#include "ops/generic/reduce.h"

namespace switchyard::optim {

void squared_grad_norm(const ops::Backend& backend, const tensor::ParameterSet& parameters,
                       tensor::Out squares) {
  backend.device->clear(squares);
  for (const tensor::Parameter& parameter : parameters.all()) {
    if (parameter.has_grad()) {
      ops::generic::add_sum_of_squares(backend, parameter.grad_values(), squares);
    }
  }
}

double clip_factor(double grad_norm, double max_norm) {
  return max_norm > 0.0 && grad_norm > max_norm ? max_norm / grad_norm : 1.0;
}

}  // namespace switchyard::optim
