#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "layers/dropout_residual.h"
#include "layers/embedding.h"
#include "layers/lstm.h"
#include "layers/moe/component_factory.h"
#include "layers/moe/moe_layer.h"
#include "layers/moe/recurrent_moe.h"
#include "layers/sampled_softmax.h"
#include "layers/softmax_head.h"
#include "models/language_model_config.h"
#include "tensor/parameter.h"

namespace switchyard::models {

/// The language model of Shazeer et al. 2017, appendix C.1:
///
///   x_0 = Dropout(Embedding(w))
///   x_l = x_{l-1} + Dropout(LSTM_l(x_{l-1}))             for an LSTM layer
///   x_l = x_{l-1} + Dropout(sigmoid(MoE_l(x_{l-1})))      for a MoE layer
///   nll = -log softmax(x_L W + b)[next word]
///
/// Instead of the sigmoid there is nothing where config.moe_output is kIdentity.
/// A recurrent MoE layer is an LSTM layer with experts for a kernel. Without residuals, x_l =
/// Dropout(...) alone: for LSTM layers the model of Zaremba et al. 2014.
///
/// The parameters are "embedding.table", "layers.<l>.*" and "softmax.*"; layers count from 0. W is
/// "softmax.kernel" [d_model, vocab_size]; with a sampled softmax "softmax.table" [vocab_size,
/// d_model]; tied, it is the embedding's table.
class LanguageModel {
 public:
  /// Registers all parameters; they must be allocated and filled before the first pass.
  /// Throws Error(kInvalidArgument) for sizes that make no sense, and what the factory throws.
  LanguageModel(const LanguageModelConfig& config, layers::ComponentFactory& factory,
                tensor::ParameterSet& parameters);

  /// One state per recurrent layer, for B streams, all zero.
  [[nodiscard]] std::vector<layers::RecurrentState> make_state(int64_t num_streams,
                                                               tensor::Allocator& allocator) const;

  /// Tokens [B, S], the words that follow them and where states are reset.
  struct Input {
    tensor::Tensor tokens;   // [B, S] i32
    tensor::Tensor targets;  // [B, S] i32, -1 = does not count
    tensor::Tensor resets;   // [B, S] u8
  };

  /// Forward and backward of grad_scale * sum of nll, plus the balance losses of every MoE layer;
  /// adds to the gradients and carries `state` on. Returns the sum of nll in nats, of the sampled
  /// softmax if there is one.
  double train(const Input& input, double grad_scale, std::vector<layers::RecurrentState>& state,
               layers::Pass& pass);

  /// The sum of nll of the full softmax in nats, in Mode::kEvaluate; carries `state` on.
  double evaluate(const Input& input, std::vector<layers::RecurrentState>& state,
                  layers::Pass& pass);

  /// logits [B * S, vocab_size] of the words that follow `tokens`.
  void logits(const Input& input, std::vector<layers::RecurrentState>& state,
              const tensor::Tensor& logits, layers::Pass& pass);

  [[nodiscard]] const LanguageModelConfig& config() const { return config_; }
  /// The layers that hold experts, first to last.
  [[nodiscard]] const std::vector<layers::Routed*>& moe_layers() const { return moe_layers_; }

  /// Multiply-and-adds of one token's forward pass without the softmax (paper section 5.1).
  [[nodiscard]] double ops_per_timestep() const;
  /// What a training step of so many streams and steps takes, and an evaluation between.
  [[nodiscard]] layers::StepMemory step_memory(int64_t num_streams, int64_t num_steps) const;

 private:
  struct Block {
    std::unique_ptr<layers::Layer> layer;
    layers::Recurrent* recurrent = nullptr;  // the layer, if it is one
    layers::DropoutResidual residual;
  };

  [[nodiscard]] layers::LstmConfig lstm_config() const;
  void add_lstm(const std::string& name, tensor::ParameterSet& parameters);
  void add_moe(const std::string& name, layers::ComponentFactory& factory,
               tensor::ParameterSet& parameters);
  void add_recurrent_moe(const std::string& name, layers::ComponentFactory& factory,
                         tensor::ParameterSet& parameters);
  [[nodiscard]] layers::SequenceInfo sequence_of(const Input& input) const;
  [[nodiscard]] tensor::Tensor forward(const Input& input,
                                       std::vector<layers::RecurrentState>& state,
                                       layers::Pass& pass);
  void backward(const Input& input, const tensor::Tensor& grad_x, layers::Pass& pass);

  LanguageModelConfig config_;
  layers::Embedding embedding_;
  layers::DropoutResidual embedding_dropout_;
  std::vector<Block> blocks_;
  std::vector<layers::Routed*> moe_layers_;
  layers::SoftmaxHead head_;
  std::optional<layers::SampledSoftmax> sampled_;
};

}  // namespace switchyard::models
