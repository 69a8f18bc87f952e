#pragma once

#include <string>

#include "layers/pass.h"
#include "tensor/parameter.h"

namespace switchyard::layers {

/// The last layer: logits = x W + b, and the negative log-likelihood of the words that came.
///
///   nll_t = -log softmax(x_t W + b)[target_t]
class SoftmaxHead {
 public:
  /// Registers "<name>.kernel" [d_model, vocab_size], filled by `init`, and "<name>.bias"
  /// [vocab_size], zero.
  SoftmaxHead(const std::string& name, int64_t d_model, int64_t vocab_size,
              const tensor::Init& init, tensor::ParameterSet& parameters);

  /// The sum over targets that are not -1, in nats.
  ///
  ///   x        [T, d_model]
  ///   targets  [T] i32, -1 = does not count
  [[nodiscard]] double loss(const tensor::Tensor& x, const tensor::Tensor& targets,
                            Pass& pass) const;

  /// The same; adds the gradients of grad_scale * loss to the parameters and writes grad_x
  /// [T, d_model]. Forward and backward run piece by piece, so that the logits stay in the cache
  /// and are never stored for the whole batch.
  [[nodiscard]] double loss_and_gradient(const tensor::Tensor& x, const tensor::Tensor& targets,
                                         double grad_scale, const tensor::Tensor& grad_x,
                                         Pass& pass) const;

  /// logits [T, vocab_size] for sampling.
  void logits(const tensor::Tensor& x, const tensor::Tensor& logits, Pass& pass) const;

 private:
  tensor::Parameter* kernel_;
  tensor::Parameter* bias_;
};

}  // namespace switchyard::layers
