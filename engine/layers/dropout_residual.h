#pragma once

#include <memory>
#include <string>

#include "layers/layer.h"
#include "ops/nn/residual_dropout.h"

namespace switchyard::layers {

/// Dropout on a layer's output after an optional activation, then an optional residual:
///
///   y = x + Dropout(activation(Layer(x)))
///
/// After the embedding there is no residual. Source: Shazeer et al. 2017, appendix C.1.
class DropoutResidual {
 public:
  /// `name` keys the random numbers.
  DropoutResidual(std::string name, double drop_probability, ops::nn::OutputActivation activation)
      : name_(std::move(name)), drop_probability_(drop_probability), activation_(activation) {}

  /// v [T, D] is overwritten by activation(v); residual may be undefined.
  [[nodiscard]] tensor::Tensor forward(const tensor::Tensor& v, const tensor::Tensor& residual,
                                       Pass& pass) const;
  /// Gradient of v. The residual's gradient is grad_y itself.
  [[nodiscard]] tensor::Tensor backward(const tensor::Tensor& grad_y, Pass& pass) const;

 private:
  [[nodiscard]] ops::nn::DropoutSpec spec(const Pass& pass) const;

  std::string name_;
  double drop_probability_;
  ops::nn::OutputActivation activation_;
};

}  // namespace switchyard::layers
