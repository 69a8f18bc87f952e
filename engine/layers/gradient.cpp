#include "layers/gradient.h"

#include <algorithm>
#include <cmath>

#include "ops/generic/affine.h"

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

namespace {

// The expected number of distinct words in a text of num_tokens words if the r-th most frequent of
// V words has the probability 1 / (r (1 + 1/2 + ... + 1/V)).
double distinct_words(int64_t num_tokens, int64_t V) {
  double harmonic = 0.0;
  for (int64_t r = 1; r <= V; ++r) {
    harmonic += 1.0 / static_cast<double>(r);
  }
  double distinct = 0.0;
  for (int64_t r = 1; r <= V; ++r) {
    const double probability = 1.0 / (harmonic * static_cast<double>(r));
    distinct += 1.0 - std::pow(1.0 - probability, static_cast<double>(num_tokens));
  }
  return distinct;
}

}  // namespace

double gradient_bytes(const tensor::Parameter& parameter, int64_t num_tokens) {
  if (parameter.is_buffer || parameter.updated_in_backward) {
    return 0.0;
  }
  const tensor::TouchedRows& touched = parameter.touched_rows;
  const double dense = static_cast<double>(parameter.shape.count()) * sizeof(float);
  if (!touched.is_sparse() || parameter.shape[0] == 0) {
    return dense;
  }
  const auto all = static_cast<double>(parameter.shape[0]);
  const double of_tokens =
      touched.per_token > 0 ? distinct_words(num_tokens, parameter.shape[0]) : 0.0;
  return dense * std::min(of_tokens + static_cast<double>(touched.fixed), all) / all;
}

}  // namespace switchyard::layers
