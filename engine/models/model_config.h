#pragma once

#include <cstdint>
#include <memory>
#include <variant>

#include "data/dataset.h"
#include "layers/moe/component_factory.h"
#include "layers/moe/moe_config.h"
#include "models/language_model_config.h"
#include "models/model.h"
#include "tensor/parameter.h"

namespace switchyard::models {

/// The configuration of a model of any family.
using ModelConfig = std::variant<LanguageModelConfig>;

/// Makes the model and registers its parameters; they must be allocated and filled before the first
/// pass. Throws Error(kInvalidArgument) for invalid sizes, and what the factory throws.
[[nodiscard]] std::unique_ptr<Model> make_model(const ModelConfig& config,
                                                layers::ComponentFactory& factory,
                                                tensor::ParameterSet& parameters);

/// The settings of the model's MoE layers.
[[nodiscard]] const MoeConfig& moe_config(const ModelConfig& config);
/// The size of the vocabulary; 0: that of the data set.
[[nodiscard]] int64_t vocab_size(const ModelConfig& config);

/// The configuration with that number of words.
[[nodiscard]] ModelConfig with_vocab_size(ModelConfig config, int64_t vocab_size);
/// The configuration with that batch of a training step.
[[nodiscard]] ModelConfig with_training_batch(ModelConfig config, const BatchShape& batch);
/// The configuration completed from the data set: with the size of the vocabulary and, for a
/// sampler by counts, the count of each word. Throws Error(kInvalidArgument) if the configuration
/// asks for another number of words.
[[nodiscard]] ModelConfig with_vocabulary(ModelConfig config, const data::Dataset& dataset);

}  // namespace switchyard::models
