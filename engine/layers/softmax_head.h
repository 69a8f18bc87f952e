#pragma once

#include <string>

#include "layers/pass.h"
#include "tensor/parameter.h"

namespace switchyard::layers {

/// The last layer: logits = x W + b, and the negative log-likelihood of the target words.
///
///   nll_t = -log softmax(x_t W + b)[target_t]
class SoftmaxHead {
 public:
  /// How W is stored.
  enum class Layout {
    kKernel,  // "<name>.kernel" [d_model, vocab_size]
    kTable    // its transpose, a row per word: "<name>.table" [vocab_size, d_model]
  };

  /// The sizes of the layer and how its weights are stored and trained.
  struct Config {
    int64_t d_model = 0;
    int64_t vocab_size = 0;
    tensor::Init init;  // of W; the bias begins at zero
    Layout layout = Layout::kKernel;
    tensor::TouchedRows touched_rows;      // of table and bias, in training; {}: dense gradients
    tensor::Parameter* tied_to = nullptr;  // another layer's table, used instead of its own
  };

  /// Registers W, unless it is tied, and "<name>.bias" [vocab_size].
  SoftmaxHead(const std::string& name, const Config& config, tensor::ParameterSet& parameters);

  /// The sum over targets that are not -1, in nats, as one f64 of the pass.
  ///
  ///   x        [T, d_model]
  ///   targets  [T] i32, -1 = does not count
  [[nodiscard]] tensor::Tensor loss(const tensor::Tensor& x, const tensor::Tensor& targets,
                                    Pass& pass) const;

  /// The same; adds the gradients of grad_scale * loss to the parameters and writes grad_x [T,
  /// d_model]. Forward and backward run piece by piece, so that the logits stay in the cache and
  /// are never stored for the whole batch. Gradients must be dense: with Layout::kTable and
  /// touched_rows, train with SampledSoftmax.
  [[nodiscard]] tensor::Tensor loss_and_gradient(const tensor::Tensor& x,
                                                 const tensor::Tensor& targets, double grad_scale,
                                                 const tensor::Tensor& grad_x, Pass& pass) const;

  /// logits [T, vocab_size] for sampling.
  void logits(const tensor::Tensor& x, const tensor::Tensor& logits, Pass& pass) const;

  /// W in the layout of the configuration.
  [[nodiscard]] tensor::Parameter& weights() const { return *weights_; }
  [[nodiscard]] tensor::Parameter& bias() const { return *bias_; }
  /// Bytes of working memory for a step of `num_tokens` tokens.
  [[nodiscard]] double scratch_bytes(int64_t num_tokens) const;

 private:
  void multiply(const tensor::Tensor& x, const tensor::Tensor& logits, Pass& pass) const;
  void add_weight_gradient(const tensor::Tensor& x, const tensor::Tensor& grad_logits,
                           Pass& pass) const;

  Layout layout_;
  tensor::Parameter* weights_;
  tensor::Parameter* bias_;
};

}  // namespace switchyard::layers
