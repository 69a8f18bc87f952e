#include "analysis/model_description.h"

#include <cmath>
#include <figures/number_text.h>
#include <utility>

#include <fmt/format.h>

#include "trainer/learner.h"
#include "trainer/make_optimizer.h"

namespace switchyard::analysis {
namespace {

constexpr int64_t kBytesPerValue = 4;

std::string shape_text(const tensor::Shape& shape) {
  std::vector<int64_t> sizes;
  for (int axis = 0; axis < shape.dim(); ++axis) {
    sizes.push_back(shape[axis]);
  }
  return sizes.empty() ? "1" : fmt::format("{}", fmt::join(sizes, " x "));
}

double expert_stats_bytes(const trainer::TrainerConfig& config, const models::Model& model) {
  int64_t experts = 0;
  for (const layers::Routed* layer : model.moe_layers()) {
    experts += layer->num_experts();
  }
  const int64_t every = config.train.expert_stats_every_steps;
  return every == 0 ? 0.0
                    : 2.0 * kBytesPerValue * static_cast<double>(experts) * 1000.0 /
                          static_cast<double>(every);
}

void add_parts(ModelDescription& description, const tensor::ParameterSet& parameters) {
  for (const tensor::Parameter& parameter : parameters.all()) {
    const int64_t count = parameter.shape.count();
    description.parts.push_back({parameter.name, shape_text(parameter.shape), count});
    if (parameter.is_buffer) {
      continue;
    }
    description.parameters += count;
    const bool is_outer =
        parameter.name.starts_with("embedding.") || parameter.name.starts_with("softmax.");
    const bool is_bias = parameter.role == tensor::Role::kBias;
    description.parameters_excluding_embedding_softmax += is_outer || is_bias ? 0 : count;
    description.expert_parameters += parameter.role == tensor::Role::kExpert ? count : 0;
  }
}

double checkpoint_bytes(trainer::Learner& learner) {
  int64_t bytes = 0;
  for (const tensor::Parameter& parameter : learner.parameters().all()) {
    bytes += parameter.shape.count() * tensor::size_of(parameter.dtype);
  }
  for (const optim::StateTensor* state : learner.optimizer().state()) {
    bytes += state->shape.count() * tensor::size_of(tensor::DType::kF32);
  }
  return static_cast<double>(bytes);
}

}  // namespace

ModelDescription describe_model(const trainer::TrainerConfig& config, int64_t vocab_size,
                                plugin_host::PluginRegistry& plugins) {
  trainer::LearnerConfig learner_config = trainer::learner_config(config);
  learner_config.model = models::with_vocab_size(config.model, vocab_size);
  core::ThreadPool threads(config.train.threads);
  tensor::CpuDevice device(threads);
  trainer::Learner learner(learner_config, device, plugins,
                           trainer::make_optimizer(config, plugins));
  ModelDescription description;
  description.vocab_size = vocab_size;
  add_parts(description, learner.parameters());
  description.ops_per_timestep = learner.model().ops_per_timestep();
  description.words_per_step = config.data.batch_size * config.data.sequence_length;
  description.memory = predict_memory(config, vocab_size, learner);
  description.checkpoint_bytes = checkpoint_bytes(learner);
  description.expert_stats_bytes = expert_stats_bytes(config, learner.model());
  return description;
}

std::string description_text(const ModelDescription& model) {
  const auto bytes = [](double value) { return figures::bytes_text(std::llround(value)); };
  const trainer::LearnerMemory& learner = model.memory.learner;
  return figures::table_text(
      {{"vocabulary", figures::grouped(model.vocab_size)},
       {"parameters", figures::grouped(model.parameters)},
       {"  without embedding and softmax",
        figures::grouped(model.parameters_excluding_embedding_softmax)},
       {"  of experts", figures::grouped(model.expert_parameters)},
       {"multiply-adds per word, without softmax", figures::compact(model.ops_per_timestep)},
       {"words per step", figures::grouped(model.words_per_step)},
       {"memory at the peak of a run", bytes(model.memory.total())},
       {"  parameters, gradients, optimizer",
        bytes(learner.parameters + learner.gradients + learner.optimizer_state)},
       {"  activations and working memory", bytes(learner.activations + learner.scratch)},
       {"  program and data", bytes(model.memory.program + model.memory.data)},
       {"checkpoint", bytes(model.checkpoint_bytes)},
       {"expert statistics per 1,000 steps", bytes(model.expert_stats_bytes)}},
      {1});
}

render::JsonObject description_json(const ModelDescription& model) {
  render::JsonObject object = render::JsonObject::versioned();
  object.integer("parameters", model.parameters)
      .integer("parameters_excluding_embedding_softmax",
               model.parameters_excluding_embedding_softmax)
      .integer("expert_parameters", model.expert_parameters)
      .integer("ops_per_timestep", std::llround(model.ops_per_timestep))
      .integer("peak_bytes", std::llround(model.memory.total()))
      .integer("checkpoint_bytes", std::llround(model.checkpoint_bytes))
      .integer("expert_stats_bytes_per_1000_steps", std::llround(model.expert_stats_bytes))
      .integer("words_per_step", model.words_per_step)
      .integer("vocabulary", model.vocab_size);
  return object;
}

}  // namespace switchyard::analysis
