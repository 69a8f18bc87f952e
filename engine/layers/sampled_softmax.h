#pragma once

#include <string>

#include "layers/class_sampler.h"
#include "layers/pass.h"
#include "tensor/parameter.h"

namespace switchyard::layers {

/// The training loss of a softmax over a large vocabulary: each token's target against K sampled
/// classes, the same for all tokens of a step, instead of against all V.
///
///   a_c   = x w_c + b_c - ln Q(c)
///   nll_t = -log softmax over {target_t} and the sample of a
///
/// A target that is in the sample counts once. The expected loss approaches that of the full
/// softmax as K grows, but the two values are not comparable, so evaluation uses SoftmaxHead. The
/// cost depends on K, not V: the gradient touches only the rows of the targets and the sample.
/// Source: Jozefowicz et al. 2016, arXiv:1602.02410, section 3.1.
class SampledSoftmax {
 public:
  /// `table` [V, d_model] and `bias` [V] belong to another layer and must outlive this object.
  /// `name` keys the random numbers.
  SampledSoftmax(const std::string& name, int64_t num_samples, ClassSampler sampler,
                 tensor::Parameter& table, tensor::Parameter& bias);

  /// The sum over targets that are not -1, in nats, as one f64 of the pass; adds the gradients of
  /// grad_scale * loss to the parameters and writes grad_x [T, d_model].
  ///
  ///   x        [T, d_model]
  ///   targets  [T] i32, -1 = does not count
  ///
  /// Determinism: the sample depends on seed, step and microbatch.
  [[nodiscard]] tensor::Tensor loss_and_gradient(const tensor::Tensor& x,
                                                 const tensor::Tensor& targets, double grad_scale,
                                                 const tensor::Tensor& grad_x, Pass& pass);

  /// Bytes of working memory for a step of `num_tokens` tokens.
  [[nodiscard]] double scratch_bytes(int64_t num_tokens) const;

 private:
  struct Work;
  struct Piece;
  [[nodiscard]] Work begin(const tensor::Tensor& targets, Pass& pass);
  void draw_sample(const Work& work, const tensor::Tensor& targets, Pass& pass);
  void run_piece(const Work& work, const Piece& piece, double grad_scale, Pass& pass) const;
  void add_shared_gradients(const Work& work, Pass& pass) const;

  std::string name_;
  int64_t num_samples_;
  ClassSampler sampler_;
  tensor::Parameter* table_;
  tensor::Parameter* bias_;
};

}  // namespace switchyard::layers
