#pragma once

#include <algorithm>
#include <vector>

#include "tensor/parameter.h"

namespace switchyard::tests {

/// The gradient of every value of a parameter, whether it is kept by row or dense.
inline std::vector<float> dense_gradient(const tensor::Parameter& parameter) {
  if (parameter.grad.defined()) {
    return parameter.grad.to_vector<float>();
  }
  std::vector<float> dense(static_cast<size_t>(parameter.shape.count()), 0.0F);
  const auto columns = static_cast<size_t>(parameter.shape.count() / parameter.shape[0]);
  const std::vector<int32_t> rows = parameter.row_grad.rows().to_vector<int32_t>();
  const std::vector<float> values = parameter.row_grad.values().to_vector<float>();
  for (size_t i = 0; i < values.size(); ++i) {
    dense[static_cast<size_t>(rows[i / columns]) * columns + i % columns] = values[i];
  }
  return dense;
}

/// Sets every gradient to zero.
inline void zero_gradients(tensor::ParameterSet& parameters) {
  for (tensor::Parameter& parameter : parameters.all()) {
    parameter.drop_grad();
    if (parameter.grad.defined()) {
      (void)parameter.take_grad_beta();
      std::fill_n(parameter.grad.data<float>(), parameter.grad.count(), 0.0F);
    }
  }
}

}  // namespace switchyard::tests
