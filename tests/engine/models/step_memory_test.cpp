// The predicted memory of a step against the bytes its arenas gave.
#include <gtest/gtest.h>

#include "tests/engine/models/model_bench.h"

namespace switchyard::models {
namespace {

constexpr int64_t kSteps = 150;  // more rows than a component is tried with

core::ComponentConfig gate(const std::string& plugin) {
  return {.plugin = plugin, .values = {{"k", int64_t{2}}}, .where = "test"};
}

LanguageModelConfig mixture(const std::string& gate_plugin) {
  LanguageModelConfig config = {.vocab_size = kV, .d_model = 32, .dropout = 0.2};
  config.moe.gate = gate(gate_plugin);
  config.moe.experts = {{.component = ffn(48), .count = 8}};
  return config;
}

void expect_to_predict(const LanguageModelConfig& config, double tolerance = 0.02) {
  Bench bench(config);
  layers::Pass& pass = bench.pass(layers::Mode::kTrain);
  (void)bench.model.train(bench.input(kSteps), 0.5, bench.state, pass);
  const layers::StepMemory predicted = bench.model.step_memory(kB, kSteps);
  const auto [kept, scratch] = bench.workspace.peak_memory();
  EXPECT_NEAR(predicted.kept / kept, 1.0, tolerance) << predicted.kept << " for " << kept;
  // Only activations are predicted exactly: packing depends on the machine.
  EXPECT_NEAR(predicted.scratch / scratch, 1.0, 0.1) << predicted.scratch << " for " << scratch;
}

TEST(StepMemory, IsPredictedForEveryGate) {
  for (const char* plugin : {"noisy_topk", "softmax", "batchwise", "sigmoid"}) {
    SCOPED_TRACE(plugin);
    expect_to_predict(mixture(plugin));
  }
}

TEST(StepMemory, IsPredictedForLstmsAlone) {
  LanguageModelConfig config = {.vocab_size = kV, .d_model = 32, .dropout = 0.0};
  config.layers = {LayerKind::kLstm, LayerKind::kLstm};
  expect_to_predict(config);
  config.lstm = {.units = 96, .projection = 32};
  config.residual = false;
  expect_to_predict(config);
}

TEST(StepMemory, IsPredictedForExpertsOfSeveralKinds) {
  LanguageModelConfig config = mixture("softmax");
  config.moe.gate.values["k"] = int64_t{0};
  config.moe.experts.push_back(
      {.component = {.plugin = "glu", .values = {{"hidden", int64_t{40}}}, .where = "test"},
       .count = 4});
  expect_to_predict(config);
}

TEST(StepMemory, IsPredictedWhereHiddenLayersAreComputedTwice) {
  LanguageModelConfig config = mixture("noisy_topk");
  config.moe.experts[0].component.values["hidden"] = std::vector<double>{256};
  config.moe.experts[0].component.values["recompute"] = true;
  expect_to_predict(config);
}

TEST(StepMemory, IsPredictedForOneExpertWithoutAGate) {
  LanguageModelConfig config = mixture("noisy_topk");
  config.moe.gate = {};
  config.moe.experts[0].count = 1;
  expect_to_predict(config);
}

TEST(StepMemory, IsPredictedForTwoLevels) {
  LanguageModelConfig config = mixture("noisy_topk");
  config.moe.groups = 4;
  config.moe.experts[0].count = 32;
  config.moe.balance.by = layers::BalanceBy::kTokens;
  expect_to_predict(config);
}

// Every tensor of a step begins at 256 bytes, and with four streams many are smaller.
TEST(StepMemory, IsPredictedForARecurrentLayerOfExperts) {
  for (const int64_t segment : {-1, 0, 20}) {
    SCOPED_TRACE(segment);
    LanguageModelConfig config = mixture("noisy_topk");
    config.layers = {LayerKind::kLstm, LayerKind::kRecurrentMoe};
    config.moe.experts = {{.component = ffn(2048), .count = 4}};
    config.moe.balance.by = layers::BalanceBy::kTokens;
    config.recurrent_moe.segment = segment;
    expect_to_predict(config, 0.1);
  }
}

TEST(StepMemory, IsPredictedForASampledSoftmax) {
  LanguageModelConfig config = mixture("sigmoid");
  config.layers = {LayerKind::kMoe};
  config.vocab_size = 3100;  // so that training takes more scratch memory than evaluation
  config.softmax.sampled = 3000;
  expect_to_predict(config);
}

}  // namespace
}  // namespace switchyard::models
