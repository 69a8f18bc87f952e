#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "analysis/memory_prediction.h"
#include "plugin_host/plugin_registry.h"
#include "render/json_text.h"
#include "trainer/trainer_config.h"

namespace switchyard::analysis {

/// The numbers of a model and its training step, found without allocating it or running a step.
struct ModelDescription {
  int64_t vocab_size = 0;
  int64_t parameters = 0;
  /// Without biases too: what the paper's tables count.
  int64_t parameters_excluding_embedding_softmax = 0;
  int64_t expert_parameters = 0;
  double ops_per_timestep = 0.0;  // multiply-adds of one word's forward pass, without softmax
  int64_t words_per_step = 0;
  MemoryPrediction memory;          // of a training run
  double checkpoint_bytes = 0.0;    // parameters and optimizer state
  double expert_stats_bytes = 0.0;  // recorded per 1000 steps

  /// One parameter.
  struct Part {
    std::string name;
    std::string shape;
    int64_t count = 0;
  };
  std::vector<Part> parts;  // every parameter, in the model's order
};

/// Describes the model and training step of a configuration. Throws what building the model throws:
/// errors about sizes, missing plugins or their settings.
[[nodiscard]] ModelDescription describe_model(const trainer::TrainerConfig& config,
                                              int64_t vocab_size,
                                              plugin_host::PluginRegistry& plugins);

/// Renders the description as a table for people.
[[nodiscard]] std::string description_text(const ModelDescription& model);
/// Renders the description for programs, with the field names of `describe --json`.
[[nodiscard]] render::JsonObject description_json(const ModelDescription& model);

}  // namespace switchyard::analysis
