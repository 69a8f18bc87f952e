#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "layers/dropout_residual.h"
#include "layers/embedding.h"
#include "layers/moe/component_factory.h"
#include "layers/sampled_softmax.h"
#include "layers/softmax_head.h"
#include "models/language_model_config.h"
#include "models/model.h"
#include "models/stack.h"
#include "tensor/parameter.h"

namespace switchyard::models {

/// The language model of Shazeer et al. 2017, appendix C.1:
///
///   x_0 = Dropout(Embedding(w))
///   x_l = x_{l-1} + Dropout(LSTM_l(x_{l-1}))             for an LSTM layer
///   x_l = x_{l-1} + Dropout(sigmoid(MoE_l(x_{l-1})))      for an MoE layer
///   nll = -log softmax(x_L W + b)[next word]
///
/// With config.moe_output kIdentity the sigmoid is left out. A recurrent MoE layer is an LSTM layer
/// with experts as its kernel. Without residuals, x_l = Dropout(...) alone: for LSTM layers the
/// model of Zaremba et al. 2014.
///
/// The parameters are "embedding.table", "layers.<l>.*" and "softmax.*"; layers count from 0. W is
/// "softmax.kernel" [d_model, vocab_size]; with a sampled softmax "softmax.table" [vocab_size,
/// d_model]; tied, it is the embedding's table.
class LanguageModel final : public Model {
 public:
  /// Registers all parameters; they must be allocated and filled before the first pass. Throws
  /// Error(kInvalidArgument) for invalid sizes, and what the factory throws.
  LanguageModel(const LanguageModelConfig& config, layers::ComponentFactory& factory,
                tensor::ParameterSet& parameters);

  [[nodiscard]] CarriedState make_state(int64_t num_streams,
                                        tensor::Allocator& allocator) const override;
  /// losses.nll is that of the sampled softmax if there is one.
  Losses train(const data::Batch& batch, double grad_scale, CarriedState& state,
               layers::Pass& pass) override;
  [[nodiscard]] double evaluate(const data::Batch& batch, CarriedState& state,
                                layers::Pass& pass) override;
  [[nodiscard]] std::unique_ptr<Decoding> begin(int64_t num_rows,
                                                tensor::Allocator& allocator) override;

  [[nodiscard]] const std::vector<layers::Routed*>& moe_layers() const override {
    return stack_.moe_layers();
  }
  [[nodiscard]] int64_t vocab_size() const override { return config_.vocab_size; }
  [[nodiscard]] double ops_per_timestep() const override { return stack_.madds_per_token(); }
  [[nodiscard]] double softmax_ops() const override;
  [[nodiscard]] layers::StepMemory step_memory(int64_t num_streams,
                                               int64_t num_steps) const override;
  [[nodiscard]] double table_bytes() const override;

 private:
  class Texts;

  [[nodiscard]] tensor::Tensor forward(const layers::SequenceInfo& sequence, CarriedState& state,
                                       layers::Pass& pass);
  void backward(const layers::SequenceInfo& sequence, const tensor::Tensor& grad_x,
                layers::Pass& pass);

  LanguageModelConfig config_;
  layers::Embedding embedding_;
  layers::DropoutResidual embedding_dropout_;
  layers::SoftmaxHead head_;
  std::optional<layers::SampledSoftmax> sampled_;
  Stack stack_;
};

}  // namespace switchyard::models
