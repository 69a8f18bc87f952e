#include "optim/clipping.h"

#include <cmath>

#include "ops/generic/reduce.h"

namespace switchyard::optim {

double global_grad_norm(const ops::Backend& backend, const tensor::ParameterSet& parameters) {
  double sum = 0.0;
  for (const tensor::Parameter& parameter : parameters.all()) {
    if (parameter.has_grad()) {
      sum += ops::generic::sum_of_squares(backend, parameter.grad_values());
    }
  }
  return std::sqrt(sum);
}

double clip_factor(double grad_norm, double max_norm) {
  return max_norm > 0.0 && grad_norm > max_norm ? max_norm / grad_norm : 1.0;
}

}  // namespace switchyard::optim
