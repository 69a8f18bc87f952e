#pragma once

#include <cstdint>
#include <vector>

#include "layers/moe/moe_config.h"
#include "ops/nn/kernels.h"

namespace switchyard::models {

/// The kinds of layers in a stack.
enum class LayerKind { kLstm, kMoe, kRecurrentMoe };

using layers::BalanceBy;
using layers::BalanceConfig;
using layers::ExpertGroupConfig;
using layers::MoeConfig;

/// An LSTM layer.
struct LstmLayerConfig {
  int64_t units = 0;         // 0 = d_model
  int64_t projection = 0;    // of the output, which is also fed back; 0 = none; else d_model
  double forget_bias = 1.0;  // added to the forget gate's pre-activation
  double init_range = 0.0;   // not 0: weights and bias uniform within +-init_range
};

/// An LSTM layer with experts as its kernel.
struct RecurrentMoeLayerConfig {
  // Number of steps that backward recomputes at a time. -1: square root of all steps; 0: keeps
  // everything.
  int64_t segment = -1;
};

/// The batch of a training step: B streams of S steps each. 0: not known.
struct BatchShape {
  int64_t num_streams = 0;
  int64_t num_steps = 0;
};

/// The layers between an embedding and a softmax, all of d_model values per token.
struct StackConfig {
  int64_t d_model = 0;
  double dropout = 0.0;  // on the output of every layer
  std::vector<LayerKind> layers;
  bool residual = true;  // x_l = x_{l-1} + ..., else x_l = ... alone
  LstmLayerConfig lstm;  // of every kLstm and kRecurrentMoe layer
  RecurrentMoeLayerConfig recurrent_moe;
  MoeConfig moe;  // of every kMoe and kRecurrentMoe layer
  ops::nn::OutputActivation moe_output = ops::nn::OutputActivation::kSigmoid;  // of every kMoe
  double init_scale = 1.0;  // of the uniform fan-in initialisation
  BatchShape training;      // tells components how many rows to expect
};

}  // namespace switchyard::models
