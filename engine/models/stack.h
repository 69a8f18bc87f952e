#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "layers/dropout_residual.h"
#include "layers/layer.h"
#include "layers/lstm.h"
#include "layers/moe/component_factory.h"
#include "layers/moe/routed.h"
#include "models/stack_config.h"
#include "tensor/parameter.h"

namespace switchyard::models {

/// Layers on top of each other, each with dropout and, if asked for, a residual around it:
///
///   x_l = x_{l-1} + Dropout(Layer_l(x_{l-1}))
///
/// A model has one or more stacks. Their layers are named "<prefix>.<l>", counted from 0 in each
/// stack; their MoE layers are numbered through the model.
class Stack {
 public:
  /// Distinguishes the stacks of a model.
  struct Place {
    std::string prefix = "layers";  // of the names of layers and parameters
    int32_t first_moe = 0;          // index of the stack's first MoE layer in the model
  };

  /// Registers the parameters of all layers. Throws Error(kInvalidArgument) for invalid sizes, and
  /// what the factory throws.
  Stack(const Place& place, const StackConfig& config, layers::ComponentFactory& factory,
        tensor::ParameterSet& parameters);

  /// One state per recurrent layer, for `num_streams` streams, all zero.
  [[nodiscard]] std::vector<layers::RecurrentState> make_state(int64_t num_streams,
                                                               tensor::Allocator& allocator) const;

  /// x [B * S, d_model]  ->  [B * S, d_model]; updates `state`, which has an entry for each
  /// recurrent layer.
  [[nodiscard]] tensor::Tensor forward(const tensor::Tensor& x,
                                       const layers::SequenceInfo& sequence,
                                       std::span<layers::RecurrentState> state, layers::Pass& pass);
  /// grad_x [B * S, d_model] is the gradient of the output and becomes that of x.
  void backward(const layers::SequenceInfo& sequence, const tensor::Tensor& grad_x,
                layers::Pass& pass);

  /// The layers that hold experts, first to last.
  [[nodiscard]] const std::vector<layers::Routed*>& moe_layers() const { return moe_layers_; }
  /// Multiply-and-adds of one token's forward pass.
  [[nodiscard]] double madds_per_token() const;
  /// Memory that a training step of this batch shape needs.
  [[nodiscard]] layers::StepMemory step_memory(int64_t num_streams, int64_t num_steps) const;

 private:
  struct PlacedLayer {
    std::unique_ptr<layers::Layer> layer;
    layers::Recurrent* recurrent = nullptr;  // the layer, if it is one
    layers::DropoutResidual residual;
  };

  [[nodiscard]] layers::LstmConfig lstm_config() const;
  void add_lstm(const std::string& name, tensor::ParameterSet& parameters);
  void add_moe(const std::string& name, int32_t index, layers::ComponentFactory& factory,
               tensor::ParameterSet& parameters);
  void add_recurrent_moe(const std::string& name, int32_t index, layers::ComponentFactory& factory,
                         tensor::ParameterSet& parameters);

  StackConfig config_;
  std::vector<PlacedLayer> layers_;
  std::vector<layers::Routed*> moe_layers_;
};

}  // namespace switchyard::models
