#pragma once

#include <cstdint>
#include <vector>

#include "layers/class_sampler.h"
#include "models/stack_config.h"

namespace switchyard::models {

/// The table of words.
struct EmbeddingConfig {
  /// Keeps the gradient only of the words of a step. Optimizers then leave all other rows
  /// unchanged.
  bool sparse_gradient = false;
};

/// The softmax and its training loss.
struct SoftmaxConfig {
  int64_t sampled = 0;  // sampled words per step in the training loss; 0: full softmax
  layers::Proposal sampler = layers::Proposal::kLogUniform;
  double unigram_power = 1.0;        // of kUnigram
  std::vector<int64_t> word_counts;  // for kUnigram, one for each word; none: all words alike
  bool tied = false;                 // the weights are the embedding's table
};

/// The language model of Shazeer et al. 2017, appendix C.1: embedding, a stack of LSTM, MoE and
/// recurrent MoE layers with dropout and residual connections, softmax. Without residuals and MoE
/// layers, that of Zaremba et al. 2014.
struct LanguageModelConfig {
  int64_t vocab_size = 0;
  int64_t d_model = 512;
  double dropout = 0.1;
  std::vector<LayerKind> layers = {LayerKind::kLstm, LayerKind::kMoe, LayerKind::kLstm};
  bool residual = true;  // x_l = x_{l-1} + ..., else x_l = ... alone
  LstmLayerConfig lstm;  // of every kLstm and kRecurrentMoe layer
  RecurrentMoeLayerConfig recurrent_moe;
  EmbeddingConfig embedding;
  SoftmaxConfig softmax;
  MoeConfig moe;  // of every kMoe and kRecurrentMoe layer
  ops::nn::OutputActivation moe_output = ops::nn::OutputActivation::kSigmoid;  // of every kMoe
  double init_scale = 1.0;  // of the uniform fan-in initialisation
  double init_range = 0.0;  // not 0: embedding and softmax uniform within +-init_range instead
  BatchShape training;      // tells components how many rows to expect
};

}  // namespace switchyard::models
