#include "models/stack.h"

#include <utility>

#include "layers/moe/moe_layer.h"
#include "layers/moe/recurrent_moe.h"
#include "ops/generic/affine.h"

namespace switchyard::models {

using ops::nn::OutputActivation;
using tensor::DType;
using tensor::Tensor;

namespace {

StackConfig checked(StackConfig config) {
  core::require(config.d_model > 0, "model.d_model must be 1 or more, got {}", config.d_model);
  core::require(config.dropout >= 0.0 && config.dropout < 1.0,
                "model.dropout must be in [0, 1), got {}", config.dropout);
  core::require(!config.layers.empty(), "model.layers must name at least one layer");
  LstmLayerConfig& lstm = config.lstm;
  lstm.units = lstm.units > 0 ? lstm.units : config.d_model;
  const int64_t outputs = lstm.projection > 0 ? lstm.projection : lstm.units;
  core::require(outputs == config.d_model,
                "an LSTM layer must give {} values, as model.d_model says: with model.lstm.units = "
                "{} set model.lstm.projection = {}, got {}",
                config.d_model, lstm.units, config.d_model, lstm.projection);
  return config;
}

}  // namespace

Stack::Stack(const Place& place, const StackConfig& config, layers::ComponentFactory& factory,
             tensor::ParameterSet& parameters)
    : config_(checked(config)) {
  for (size_t l = 0; l < config_.layers.size(); ++l) {
    const std::string name = fmt::format("{}.{}", place.prefix, l);
    const int32_t index = place.first_moe + static_cast<int32_t>(moe_layers_.size());
    switch (config_.layers[l]) {
      case LayerKind::kLstm:
        add_lstm(name, parameters);
        break;
      case LayerKind::kMoe:
        add_moe(name, index, factory, parameters);
        break;
      case LayerKind::kRecurrentMoe:
        add_recurrent_moe(name, index, factory, parameters);
        break;
    }
  }
}

layers::LstmConfig Stack::lstm_config() const {
  return {.d_in = config_.d_model,
          .units = config_.lstm.units,
          .projection = config_.lstm.projection,
          .forget_bias = config_.lstm.forget_bias,
          .init_scale = config_.init_scale,
          .init_range = config_.lstm.init_range};
}

void Stack::add_lstm(const std::string& name, tensor::ParameterSet& parameters) {
  auto lstm = std::make_unique<layers::Lstm>(name, lstm_config(), parameters);
  layers::Recurrent* recurrent = lstm.get();
  layers_.push_back({.layer = std::move(lstm),
                     .recurrent = recurrent,
                     .residual = {name, config_.dropout, OutputActivation::kIdentity}});
}

void Stack::add_recurrent_moe(const std::string& name, int32_t index,
                              layers::ComponentFactory& factory, tensor::ParameterSet& parameters) {
  layers::RecurrentMoeConfig of_layer = {
      .lstm = lstm_config(), .moe = config_.moe, .segment = config_.recurrent_moe.segment};
  of_layer.moe.max_tokens = config_.training.num_streams;
  auto moe = std::make_unique<layers::RecurrentMoe>(name, index, of_layer, factory, parameters);
  moe_layers_.push_back(moe.get());
  layers::Recurrent* recurrent = moe.get();
  layers_.push_back({.layer = std::move(moe),
                     .recurrent = recurrent,
                     .residual = {name, config_.dropout, OutputActivation::kIdentity}});
}

void Stack::add_moe(const std::string& name, int32_t index, layers::ComponentFactory& factory,
                    tensor::ParameterSet& parameters) {
  MoeConfig of_layer = config_.moe;
  of_layer.max_tokens = config_.training.num_streams * config_.training.num_steps;
  auto moe = std::make_unique<layers::MoeLayer>(name, index, config_.d_model, of_layer, factory,
                                                parameters);
  moe_layers_.push_back(moe.get());
  layers_.push_back(
      {.layer = std::move(moe), .residual = {name, config_.dropout, config_.moe_output}});
}

std::vector<layers::RecurrentState> Stack::make_state(int64_t num_streams,
                                                      tensor::Allocator& allocator) const {
  std::vector<layers::RecurrentState> state;
  for (const PlacedLayer& placed : layers_) {
    if (placed.recurrent != nullptr) {
      const layers::Recurrent& layer = *placed.recurrent;
      state.push_back({.name = placed.layer->name(),
                       .h = Tensor::zeros(DType::kF32, {num_streams, layer.outputs()}, allocator),
                       .c = Tensor::zeros(DType::kF32, {num_streams, layer.units()}, allocator)});
    }
  }
  return state;
}

Tensor Stack::forward(const Tensor& input, const layers::SequenceInfo& sequence,
                      std::span<layers::RecurrentState> state, layers::Pass& pass) {
  Tensor x = input;
  auto next_state = state.begin();
  layers::SequenceInfo of_layer = sequence;
  for (PlacedLayer& placed : layers_) {
    of_layer.state = placed.recurrent != nullptr ? &*next_state++ : nullptr;
    const Tensor v = placed.layer->forward(x, of_layer, pass);
    x = placed.residual.forward(v, config_.residual ? x : Tensor(), pass);
  }
  return x;
}

// Layer by layer, grad_x becomes the gradient of the layer's input. With a residual it starts as
// the gradient of the output, without one as zero; then the layer adds its own.
void Stack::backward(const layers::SequenceInfo& sequence, const Tensor& grad_x,
                     layers::Pass& pass) {
  for (auto placed = layers_.rbegin(); placed != layers_.rend(); ++placed) {
    const Tensor grad_v = placed->residual.backward(grad_x, pass);
    if (!config_.residual) {
      ops::generic::fill(pass.backend, 0.0, grad_x);
    }
    placed->layer->backward(grad_v, sequence, grad_x, pass);
  }
}

double Stack::madds_per_token() const {
  double madds = 0.0;
  for (const PlacedLayer& placed : layers_) {
    madds += placed.layer->madds_per_token();
  }
  return madds;
}

layers::StepMemory Stack::step_memory(int64_t num_streams, int64_t num_steps) const {
  const double rows =
      static_cast<double>(num_streams * num_steps * config_.d_model) * sizeof(float);
  const double mask = config_.dropout > 0.0 ? 0.25 * rows : 0.0;
  // In addition to what it keeps itself, a layer has its output, the dropout's mask and one
  // gradient.
  layers::StepMemory memory;
  for (const PlacedLayer& placed : layers_) {
    memory += placed.layer->step_memory(num_streams, num_steps);
    memory.kept += 2.0 * rows + mask;
  }
  return memory;
}

}  // namespace switchyard::models
