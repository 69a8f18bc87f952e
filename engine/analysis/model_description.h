#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "analysis/memory_prediction.h"
#include "plugin_host/plugin_registry.h"
#include "render/json_text.h"
#include "trainer/trainer_config.h"

namespace switchyard::analysis {

/// A model and its training step in numbers, without memory taken or a step run.
struct ModelDescription {
  int64_t vocab_size = 0;
  int64_t parameters = 0;
  /// Of the layers between, their biases left out: this is what the paper's tables count.
  int64_t parameters_excluding_embedding_softmax = 0;
  int64_t expert_parameters = 0;
  double ops_per_timestep = 0.0;  // multiply-and-adds of one word's forward pass, softmax left out
  int64_t words_per_step = 0;
  MemoryPrediction memory;          // of a training run
  double checkpoint_bytes = 0.0;    // parameters and optimizer state
  double expert_stats_bytes = 0.0;  // recorded per 1000 steps

  struct Part {
    std::string name;
    std::string shape;
    int64_t count = 0;
  };
  std::vector<Part> parts;  // every parameter, in the model's order
};

/// Describes the model and training step of a configuration. Throws what building it throws: wrong
/// sizes, missing plugins, wrong settings of theirs.
[[nodiscard]] ModelDescription describe_model(const trainer::TrainerConfig& config,
                                              int64_t vocab_size,
                                              plugin_host::PluginRegistry& plugins);

/// The description for people: a table of names and numbers.
[[nodiscard]] std::string description_text(const ModelDescription& model);
/// The same for programs, with the field names of `describe --json`.
[[nodiscard]] render::JsonObject description_json(const ModelDescription& model);

}  // namespace switchyard::analysis
