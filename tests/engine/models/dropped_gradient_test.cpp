// Gradients that are dropped instead of zeroed, and the next backward pass after that.
#include <limits>

#include "layers/gradient.h"
#include "tests/engine/models/model_bench.h"

namespace switchyard::models {
namespace {

using Gradients = std::vector<std::vector<float>>;

// Every way that a model adds to gradients: tied or its own softmax, experts of two plugins with
// biases, a gate, LSTMs, and a layer that adds to the same gradients step by step.
LanguageModelConfig everything(bool is_tied) {
  core::ComponentConfig with_bias = ffn(9);
  with_bias.values["bias"] = true;
  LanguageModelConfig config = {.vocab_size = kV, .d_model = 8, .dropout = 0.0};
  config.softmax.tied = is_tied;
  config.layers = {LayerKind::kLstm, LayerKind::kMoe, LayerKind::kRecurrentMoe};
  config.moe.balance.by = BalanceBy::kTokens;
  config.moe.gate = {.plugin = "noisy_topk", .values = {{"k", int64_t{2}}}, .where = "test"};
  config.moe.experts = {
      {with_bias, 3}, {{.plugin = "glu", .values = {{"hidden", int64_t{32}}}, .where = "test"}, 2}};
  return config;
}

Gradients gradients_of(const tensor::ParameterSet& parameters) {
  Gradients all;
  for (const tensor::Parameter& parameter : parameters.all()) {
    all.push_back(parameter.has_grad() ? parameter.grad.to_vector<float>() : std::vector<float>());
  }
  return all;
}

void poison_and_drop(tensor::ParameterSet& parameters) {
  for (tensor::Parameter& parameter : parameters.all()) {
    if (parameter.grad.defined()) {
      std::fill_n(parameter.grad.data<float>(), parameter.grad.count(),
                  std::numeric_limits<float>::quiet_NaN());
    }
    parameter.drop_grad();
  }
}

class DroppedGradients : public testing::TestWithParam<bool> {};

TEST_P(DroppedGradients, AreOverwrittenByTheFirstPassAndAddedToByTheSecond) {
  Bench bench(everything(GetParam()));
  move(bench.parameters, 100, 0.3);
  tests::zero_gradients(bench.parameters);
  (void)bench.total_loss();
  const Gradients once = gradients_of(bench.parameters);
  (void)bench.total_loss();
  const Gradients twice = gradients_of(bench.parameters);

  poison_and_drop(bench.parameters);
  (void)bench.total_loss();
  layers::settle_gradients(ops::backend_on(bench.device), bench.parameters);
  EXPECT_EQ(gradients_of(bench.parameters), once);
  (void)bench.total_loss();
  EXPECT_EQ(gradients_of(bench.parameters), twice);
}

INSTANTIATE_TEST_SUITE_P(Softmax, DroppedGradients, testing::Bool(),
                         [](const auto& tied) { return tied.param ? "tied" : "own"; });

TEST(DroppedGradient, ThatNothingIsAddedToSettlesAtZero) {
  Bench bench(everything(false));
  poison_and_drop(bench.parameters);
  layers::settle_gradients(ops::backend_on(bench.device), bench.parameters);
  for (const std::vector<float>& gradient : gradients_of(bench.parameters)) {
    for (const float value : gradient) {
      ASSERT_EQ(value, 0.0F);
    }
  }
}

}  // namespace
}  // namespace switchyard::models
