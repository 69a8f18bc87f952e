#pragma once

#include <cstdint>
#include <vector>

#include "core/config_value.h"

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
};

/// The language model of Shazeer et al. 2017, appendix C.1: embedding, a stack of LSTM and MoE
/// layers with dropout and residual connections, softmax.
struct LanguageModelConfig {
  int64_t vocab_size = 0;
  int64_t d_model = 512;
  double dropout = 0.1;
  std::vector<LayerKind> layers = {LayerKind::kLstm, LayerKind::kMoe, LayerKind::kLstm};
  MoeConfig moe;            // of every kMoe layer
  double init_scale = 1.0;  // of the uniform fan-in initialisation
};

}  // namespace switchyard::models
