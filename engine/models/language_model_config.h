#pragma once

#include <cstdint>
#include <vector>

#include "core/config_value.h"
#include "layers/moe/windowed_experts.h"

namespace switchyard::models {

enum class LayerKind { kLstm, kMoe };

/// Experts of one plugin and shape within a MoE layer.
struct ExpertGroupConfig {
  core::ComponentConfig component;
  int64_t count = 0;
};

/// A MoE layer. With one expert in all and no gate plugin it is that expert (MoE-1-Wide,
/// MoE-1-Deep).
struct MoeConfig {
  core::ComponentConfig gate;
  std::vector<ExpertGroupConfig> experts;
  layers::ExpertMemory memory;  // of every group
};

/// An LSTM layer.
struct LstmLayerConfig {
  int64_t units = 0;         // 0 = d_model
  int64_t projection = 0;    // of the output, fed back too; 0 = none; else d_model
  double forget_bias = 1.0;  // added to the forget gate's pre-activation
  double init_range = 0.0;   // not 0: weights and bias uniform within +-init_range
};

struct EmbeddingConfig {
  /// Keeps the gradient of the words of a step only. Optimizers then let all other rows rest.
  bool sparse_gradient = false;
};

/// The language model of Shazeer et al. 2017, appendix C.1: embedding, a stack of LSTM and MoE
/// layers with dropout and residual connections, softmax. Without residuals and MoE layers, that of
/// Zaremba et al. 2014.
struct LanguageModelConfig {
  int64_t vocab_size = 0;
  int64_t d_model = 512;
  double dropout = 0.1;
  std::vector<LayerKind> layers = {LayerKind::kLstm, LayerKind::kMoe, LayerKind::kLstm};
  bool residual = true;  // x_l = x_{l-1} + ..., else x_l = ... alone
  LstmLayerConfig lstm;  // of every kLstm layer
  EmbeddingConfig embedding;
  MoeConfig moe;            // of every kMoe layer
  double init_scale = 1.0;  // of the uniform fan-in initialisation
  double init_range = 0.0;  // not 0: embedding and softmax uniform within +-init_range instead
};

}  // namespace switchyard::models
