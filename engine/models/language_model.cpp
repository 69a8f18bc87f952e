#include "models/language_model.h"

#include "layers/initialize.h"
#include "ops/generic/pointwise.h"

namespace switchyard::models {

using layers::DropoutResidual;
using ops::nn::OutputActivation;
using tensor::DType;
using tensor::Tensor;

namespace {

LanguageModelConfig checked(LanguageModelConfig config) {
  core::require(config.vocab_size > 1, "model: the vocabulary must have 2 words or more, got {}",
                config.vocab_size);
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
  const SoftmaxConfig& softmax = config.softmax;
  core::require(softmax.sampled >= 0 && softmax.sampled <= config.vocab_size,
                "model.softmax.sampled must be 0 ... {}, the size of the vocabulary, got {}",
                config.vocab_size, softmax.sampled);
  core::require(!softmax.tied || softmax.sampled > 0 || !config.embedding.sparse_gradient,
                "model.embedding.sparse_gradient: a full softmax touches every row of the table "
                "that it shares; set model.softmax.sampled, or model.softmax.tied = false");
  return config;
}

tensor::Init outer_init(const LanguageModelConfig& config) {
  return config.init_range > 0.0 ? layers::uniform_within(config.init_range)
                                 : layers::uniform_fan_in(config.d_model, config.init_scale);
}

layers::Embedding::Config embedding_config(const LanguageModelConfig& config) {
  tensor::TouchedRows touched_rows;
  if (config.embedding.sparse_gradient) {
    touched_rows.per_token = config.softmax.tied ? 2 : 1;  // word and target
    touched_rows.fixed = config.softmax.tied ? config.softmax.sampled : 0;
  }
  return {.vocab_size = config.vocab_size,
          .d_model = config.d_model,
          .init = outer_init(config),
          .touched_rows = touched_rows};
}

layers::SoftmaxHead::Config head_config(const LanguageModelConfig& config,
                                        const layers::Embedding& embedding) {
  const bool is_sampled = config.softmax.sampled > 0;
  layers::SoftmaxHead::Config head = {
      .d_model = config.d_model, .vocab_size = config.vocab_size, .init = outer_init(config)};
  if (is_sampled || config.softmax.tied) {
    head.layout = layers::SoftmaxHead::Layout::kTable;
  }
  if (is_sampled) {
    head.touched_rows = {.per_token = 1, .fixed = config.softmax.sampled};
  }
  if (config.softmax.tied) {
    head.tied_to = &embedding.table();
  }
  return head;
}

layers::ClassSampler sampler_of(const LanguageModelConfig& config) {
  const SoftmaxConfig& softmax = config.softmax;
  if (softmax.sampler == layers::Proposal::kLogUniform) {
    return layers::ClassSampler::log_uniform(config.vocab_size);
  }
  const auto V = static_cast<size_t>(config.vocab_size);
  core::require(softmax.word_counts.empty() || softmax.word_counts.size() == V,
                "model.softmax.sampler: there must be {} counts of words, got {}", V,
                softmax.word_counts.size());
  return layers::ClassSampler::unigram(
      softmax.word_counts.empty() ? std::vector<int64_t>(V, 1) : softmax.word_counts,
      softmax.unigram_power);
}

}  // namespace

LanguageModel::LanguageModel(const LanguageModelConfig& config, layers::ComponentFactory& factory,
                             tensor::ParameterSet& parameters)
    : config_(checked(config)),
      embedding_("embedding", embedding_config(config), parameters),
      embedding_dropout_("embedding", config.dropout, OutputActivation::kIdentity),
      head_("softmax", head_config(config, embedding_), parameters) {
  if (config.softmax.sampled > 0) {
    sampled_.emplace("softmax", config.softmax.sampled, sampler_of(config), head_.weights(),
                     head_.bias());
  }
  for (size_t l = 0; l < config.layers.size(); ++l) {
    const std::string name = "layers." + std::to_string(l);
    switch (config.layers[l]) {
      case LayerKind::kLstm:
        add_lstm(name, parameters);
        break;
      case LayerKind::kMoe:
        add_moe(name, factory, parameters);
        break;
      case LayerKind::kRecurrentMoe:
        add_recurrent_moe(name, factory, parameters);
        break;
    }
  }
}

layers::LstmConfig LanguageModel::lstm_config() const {
  return {.d_in = config_.d_model,
          .units = config_.lstm.units,
          .projection = config_.lstm.projection,
          .forget_bias = config_.lstm.forget_bias,
          .init_scale = config_.init_scale,
          .init_range = config_.lstm.init_range};
}

void LanguageModel::add_lstm(const std::string& name, tensor::ParameterSet& parameters) {
  auto lstm = std::make_unique<layers::Lstm>(name, lstm_config(), parameters);
  layers::Recurrent* recurrent = lstm.get();
  blocks_.push_back({.layer = std::move(lstm),
                     .recurrent = recurrent,
                     .residual = {name, config_.dropout, OutputActivation::kIdentity}});
}

void LanguageModel::add_recurrent_moe(const std::string& name, layers::ComponentFactory& factory,
                                      tensor::ParameterSet& parameters) {
  auto moe = std::make_unique<layers::RecurrentMoe>(
      name, static_cast<int32_t>(moe_layers_.size()),
      layers::RecurrentMoeConfig{
          .lstm = lstm_config(), .moe = config_.moe, .segment = config_.recurrent_moe.segment},
      factory, parameters);
  moe_layers_.push_back(moe.get());
  layers::Recurrent* recurrent = moe.get();
  blocks_.push_back({.layer = std::move(moe),
                     .recurrent = recurrent,
                     .residual = {name, config_.dropout, OutputActivation::kIdentity}});
}

void LanguageModel::add_moe(const std::string& name, layers::ComponentFactory& factory,
                            tensor::ParameterSet& parameters) {
  auto moe = std::make_unique<layers::MoeLayer>(name, static_cast<int32_t>(moe_layers_.size()),
                                                config_.d_model, config_.moe, factory, parameters);
  moe_layers_.push_back(moe.get());
  blocks_.push_back(
      {.layer = std::move(moe), .residual = {name, config_.dropout, config_.moe_output}});
}

std::vector<layers::RecurrentState> LanguageModel::make_state(int64_t num_streams,
                                                              tensor::Allocator& allocator) const {
  std::vector<layers::RecurrentState> state;
  for (const Block& block : blocks_) {
    if (block.recurrent != nullptr) {
      const layers::Recurrent& layer = *block.recurrent;
      state.push_back({.name = block.layer->name(),
                       .h = Tensor::zeros(DType::kF32, {num_streams, layer.outputs()}, allocator),
                       .c = Tensor::zeros(DType::kF32, {num_streams, layer.units()}, allocator)});
    }
  }
  return state;
}

layers::SequenceInfo LanguageModel::sequence_of(const Input& input) const {
  return {.num_streams = input.tokens.size(0),
          .num_steps = input.tokens.size(1),
          .resets = input.resets,
          .tokens = input.tokens.reshape({input.tokens.count()})};
}

Tensor LanguageModel::forward(const Input& input, std::vector<layers::RecurrentState>& state,
                              layers::Pass& pass) {
  const layers::SequenceInfo sequence = sequence_of(input);
  Tensor x = embedding_dropout_.forward(embedding_.forward(sequence.tokens, pass), Tensor(), pass);
  size_t next_state = 0;
  for (Block& block : blocks_) {
    if (block.recurrent != nullptr) {
      block.recurrent->bind_state(state.at(next_state++));
    }
    const Tensor v = block.layer->forward(x, sequence, pass);
    x = block.residual.forward(v, config_.residual ? x : Tensor(), pass);
  }
  return x;
}

// grad_x is the gradient of the last x and becomes, layer by layer, that of the first: a residual
// hands it on as it is, without one it starts from zero, and the layer adds its own.
void LanguageModel::backward(const Input& input, const Tensor& grad_x, layers::Pass& pass) {
  const layers::SequenceInfo sequence = sequence_of(input);
  for (auto block = blocks_.rbegin(); block != blocks_.rend(); ++block) {
    const Tensor grad_v = block->residual.backward(grad_x, pass);
    if (!config_.residual) {
      ops::generic::fill(pass.backend, 0.0, grad_x);
    }
    block->layer->backward(grad_v, sequence, grad_x, pass);
  }
  embedding_.backward(sequence.tokens, embedding_dropout_.backward(grad_x, pass), pass);
}

double LanguageModel::train(const Input& input, double grad_scale,
                            std::vector<layers::RecurrentState>& state, layers::Pass& pass) {
  const Tensor x = forward(input, state, pass);
  const Tensor grad_x = pass.take(DType::kF32, x.shape());
  const Tensor targets = input.targets.reshape({input.targets.count()});
  const Tensor nll = sampled_ ? sampled_->loss_and_gradient(x, targets, grad_scale, grad_x, pass)
                              : head_.loss_and_gradient(x, targets, grad_scale, grad_x, pass);
  backward(input, grad_x, pass);
  return pass.backend.device->read_back<double>(nll)[0];
}

double LanguageModel::evaluate(const Input& input, std::vector<layers::RecurrentState>& state,
                               layers::Pass& pass) {
  const Tensor x = forward(input, state, pass);
  const Tensor nll = head_.loss(x, input.targets.reshape({input.targets.count()}), pass);
  return pass.backend.device->read_back<double>(nll)[0];
}

void LanguageModel::logits(const Input& input, std::vector<layers::RecurrentState>& state,
                           const Tensor& logits, layers::Pass& pass) {
  head_.logits(forward(input, state, pass), logits, pass);
}

double LanguageModel::ops_per_timestep() const {
  double madds = 0.0;
  for (const Block& block : blocks_) {
    madds += block.layer->madds_per_token();
  }
  return madds;
}

layers::StepMemory LanguageModel::step_memory(int64_t num_streams, int64_t num_steps) const {
  const int64_t T = num_streams * num_steps;
  const double rows = static_cast<double>(T * config_.d_model) * sizeof(float);
  const double mask = config_.dropout > 0.0 ? 0.25 * rows : 0.0;
  // The embedding keeps its rows, what dropout left of them, and the gradient of both; every block
  // what its layer keeps, its output, the dropout's mask and one gradient.
  layers::StepMemory memory = {.kept = 4.0 * rows + mask};
  for (const Block& block : blocks_) {
    memory += block.layer->step_memory(num_streams, num_steps);
    memory.kept += 2.0 * rows + mask;
  }
  memory += {.scratch = head_.scratch_bytes(T)};
  if (sampled_) {
    memory += {.scratch = sampled_->scratch_bytes(T)};  // evaluation stays with the full softmax
  }
  return memory;
}

}  // namespace switchyard::models
