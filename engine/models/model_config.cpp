#include "models/model_config.h"

#include <utility>

#include "core/error.h"
#include "models/language_model.h"

namespace switchyard::models {

namespace {

// Of a language model.
void take_word_counts(LanguageModelConfig& config, const data::Vocabulary& vocabulary) {
  if (config.softmax.sampled == 0 || config.softmax.sampler != layers::Proposal::kUnigram) {
    return;
  }
  for (int64_t id = 0; id < config.vocab_size; ++id) {
    config.softmax.word_counts.push_back(vocabulary.count(static_cast<int32_t>(id)));
  }
}

std::unique_ptr<Model> make(const LanguageModelConfig& config, layers::ComponentFactory& factory,
                            tensor::ParameterSet& parameters) {
  return std::make_unique<LanguageModel>(config, factory, parameters);
}

}  // namespace

std::unique_ptr<Model> make_model(const ModelConfig& config, layers::ComponentFactory& factory,
                                  tensor::ParameterSet& parameters) {
  return std::visit([&](const auto& family) { return make(family, factory, parameters); }, config);
}

const MoeConfig& moe_config(const ModelConfig& config) {
  return std::visit([](const auto& family) -> const MoeConfig& { return family.moe; }, config);
}

int64_t vocab_size(const ModelConfig& config) {
  return std::visit([](const auto& family) { return family.vocab_size; }, config);
}

ModelConfig with_vocab_size(ModelConfig config, int64_t vocab_size) {
  std::visit([&](auto& family) { family.vocab_size = vocab_size; }, config);
  return config;
}

ModelConfig with_training_batch(ModelConfig config, const BatchShape& batch) {
  std::visit([&](auto& family) { family.training = batch; }, config);
  return config;
}

ModelConfig with_vocabulary(ModelConfig config, const data::Dataset& dataset) {
  const int64_t size = dataset.vocabulary().size();
  const int64_t asked = vocab_size(config);
  core::require(asked == 0 || asked == size,
                "model.vocabulary_size is {}, but the data set {} has {} words; leave it out, or "
                "prepare the text with --vocabulary {}",
                asked, dataset.directory().string(), size, asked);
  config = with_vocab_size(std::move(config), size);
  std::visit([&](auto& family) { take_word_counts(family, dataset.vocabulary()); }, config);
  return config;
}

}  // namespace switchyard::models
