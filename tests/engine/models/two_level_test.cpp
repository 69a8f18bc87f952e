// Two-level layers and balance with the real plugins behind the real host.
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "layers/moe/moe_layer.h"
#include "layers/moe/two_level_gate.h"
#include "tests/engine/models/model_bench.h"
#include "tests/support/error_matcher.h"

namespace switchyard::models {
namespace {

using layers::MoeLayer;
using tensor::Tensor;

core::ComponentConfig noisy(int64_t k) {
  return {.plugin = "noisy_topk", .values = {{"k", k}}, .where = "model.moe.gate"};
}

// Three groups of three experts; the shapes change in the middle of the second group.
MoeConfig two_levels() {
  return {.gate = noisy(2),
          .experts = {{.component = ffn(12), .count = 5}, {.component = ffn(5), .count = 4}},
          .groups = 3,
          .balance = {.by = BalanceBy::kCompute}};
}

LanguageModelConfig small_model() {
  return {.vocab_size = kV, .d_model = 8, .dropout = 0.0, .moe = two_levels()};
}

// Embedding to loss, noise at both levels and both balance losses on, the balance in compute.
TEST(TwoLevel, GradientsEqualDirectionalFiniteDifferences) {
  Bench bench(small_model());
  expect_gradients_equal_differences(bench);
}

TEST(TwoLevel, NamesItsParametersByLevelAndGroup) {
  Bench bench(small_model());
  for (const char* name : {"layers.1.gate.w_gate", "layers.1.gate.w_noise",
                           "layers.1.gate.0.w_gate", "layers.1.gate.2.w_noise"}) {
    const tensor::Parameter* parameter = bench.parameters.find(name);
    ASSERT_NE(parameter, nullptr) << name;
    EXPECT_EQ(parameter->shape, tensor::Shape({8, 3})) << name;
  }
  EXPECT_EQ(bench.parameters.find("layers.1.gate.3.w_gate"), nullptr);
}

TEST(TwoLevel, TakesNoMemoryAfterWarmUp) {
  Bench bench(small_model());
  (void)bench.total_loss();
  (void)bench.total_loss();
  const int64_t activations = bench.workspace.pass().activations->capacity_bytes();
  const int64_t scratch = bench.workspace.pass().scratch->capacity_bytes();
  (void)bench.total_loss();
  EXPECT_EQ(bench.workspace.pass().activations->capacity_bytes(), activations);
  EXPECT_EQ(bench.workspace.pass().scratch->capacity_bytes(), scratch);
}

struct PaperModel {
  int64_t groups;
  int64_t experts;
  double parameters;  // in millions, without embedding and softmax
  double operations;  // multiply-and-adds per time step, in millions
};

// params = LSTMs + experts + 2 d (a + a b), operations = LSTMs + 4 experts + 2 d (a + k1 b): tables
// 1, 7 and 8 of the paper, to the third digit of a million.
void expect_counts_of(const PaperModel& paper) {
  plugin_host::PluginRegistry plugins(tests::built_plugins());
  const LanguageModelConfig config = {
      .vocab_size = 10,
      .d_model = 512,
      .moe = {.gate = noisy(2),
              .experts = {{.component = ffn(1024), .count = paper.experts}},
              .groups = paper.groups,
              .balance = {.by = BalanceBy::kTokens}}};
  tensor::ParameterSet parameters;
  const LanguageModel model(config, plugins, parameters);
  int64_t counted = 0;
  for (const tensor::Parameter& parameter : parameters.all()) {
    const bool is_counted = parameter.role == tensor::Role::kGate ||
                            parameter.role == tensor::Role::kExpert ||
                            parameter.role == tensor::Role::kDense;
    counted += is_counted ? parameter.shape.count() : 0;
  }
  EXPECT_NEAR(static_cast<double>(counted) * 1e-6, paper.parameters, 6e-4) << paper.experts;
  EXPECT_NEAR(model.ops_per_timestep() * 1e-6, paper.operations, 6e-4) << paper.experts;
}

TEST(TwoLevel, CountsParametersAndOperationsAsThePaper) {
  expect_counts_of({16, 256, 272.908, 8.438});
  expect_counts_of({16, 1024, 1079.001, 8.536});
  expect_counts_of({16, 4096, 4303.372, 8.929});
  expect_counts_of({32, 256, 272.925, 8.438});
  expect_counts_of({128, 16384, 17200.972, 8.782});
  expect_counts_of({256, 131072, 137577.628, 9.699});
}

// The results of one forward and one backward call of a gate.
struct GateResult {
  std::vector<int32_t> experts;
  std::vector<std::vector<float>> values;
};

void expect_equal(const GateResult& got, const GateResult& expected) {
  EXPECT_EQ(got.experts, expected.experts);
  for (size_t i = 0; i < expected.values.size(); ++i) {
    EXPECT_LT(tests::relative_error({got.values[i].begin(), got.values[i].end()},
                                    {expected.values[i].begin(), expected.values[i].end()}),
              1e-6)
        << i;
  }
}

// With one group the primary gate has nothing to choose: the same bits as the flat gate of that
// name, whose noise it draws.
TEST(TwoLevel, WithOneGroupIsTheFlatGate) {
  plugin_host::PluginRegistry plugins(tests::built_plugins());
  core::ThreadPool threads(2);
  tensor::CpuDevice device{threads};
  tensor::CpuAllocator allocator;
  const Tensor x = tests::random_tensor({7, 5}, 1);
  const Tensor grad_weight = tests::random_tensor({7, 2}, 2);
  const auto run = [&](layers::Gate& gate, tensor::ParameterSet& parameters,
                       const std::string& name) {
    layers::Workspace workspace(ops::backend_on(device));
    layers::Pass& pass = workspace.begin(layers::Mode::kTrain, 7, 3);
    parameters.allocate(allocator);
    uint64_t seed = 50;
    for (const char* each : {".w_gate", ".w_noise"}) {
      const std::vector<float> values = tests::random_values(5 * 6, seed++);
      std::copy(values.begin(), values.end(), parameters.find(name + each)->value.data<float>());
    }
    layers::Routing routing = {
        .expert_index = Tensor::from<int32_t>({7, 2}, std::vector<int32_t>(14)),
        .gate_weight = tests::zero_tensor({7, 2}),
        .importance = tests::zero_tensor({6}),
        .load = tests::zero_tensor({6}),
        .aux_loss = tests::zero_tensor({1})};
    const Tensor grad_x = tests::zero_tensor({7, 5});
    gate.forward({.x = x}, routing, pass);
    gate.backward({.x = x}, routing,
                  {.grad_gate_weight = grad_weight,
                   .grad_aux_loss = tests::zero_tensor({1}),
                   .grad_x = grad_x,
                   .grad_importance = tests::random_tensor({6}, 3),
                   .grad_load = tests::random_tensor({6}, 4)},
                  pass);
    return GateResult{
        routing.expert_index.to_vector<int32_t>(),
        {routing.gate_weight.to_vector<float>(), routing.importance.to_vector<float>(),
         routing.load.to_vector<float>(), grad_x.to_vector<float>(),
         parameters.find(name + ".w_gate")->grad.to_vector<float>(),
         parameters.find(name + ".w_noise")->grad.to_vector<float>()}};
  };
  layers::ComponentPlace place = {
      .name = "moe.gate.0", .d_in = 5, .d_out = 5, .num_experts = 6, .num_local = 6};
  place.balanced_by_caller = true;
  tensor::ParameterSet of_flat;
  const auto flat = plugins.make_gate(noisy(2), place, of_flat);
  place.name = "moe.gate";
  tensor::ParameterSet of_two;
  layers::TwoLevelGate two(place, {.gate = noisy(1), .groups = 1, .secondary_gate = noisy(2)},
                           plugins, of_two);
  expect_equal(run(two, of_two, "moe.gate.0"), run(*flat, of_flat, "moe.gate.0"));
}

// A layer with its own parameters and workspace.
struct LayerBench {
  LayerBench(const MoeConfig& config, int64_t d) : layer("moe", 0, d, config, plugins, parameters) {
    parameters.allocate(allocator);
    layers::initialize(ops::backend_on(device), parameters, 3);
  }

  Tensor forward(const Tensor& x, int64_t step) {
    return layer.forward(x, {}, workspace.begin(layers::Mode::kTrain, 7, step));
  }

  plugin_host::PluginRegistry plugins{tests::built_plugins()};
  core::ThreadPool threads{2};
  tensor::CpuDevice device{threads};
  tensor::CpuAllocator allocator;
  layers::Workspace workspace{ops::backend_on(device)};
  layers::Pass& pass = workspace.pass();
  tensor::ParameterSet parameters;
  MoeLayer layer;
};

// E(x) = relu(x W0) W1 of one expert, in plain loops.
std::vector<double> ffn_output(const tensor::Parameter& w0, const tensor::Parameter& w1,
                               int64_t expert, const float* x) {
  const int64_t d = w0.shape[1];
  const int64_t hidden = w0.shape[2];
  const float* in = w0.value.data<float>() + expert * d * hidden;
  const float* out = w1.value.data<float>() + expert * hidden * d;
  std::vector<double> y(static_cast<size_t>(d));
  for (int64_t h = 0; h < hidden; ++h) {
    double sum = 0.0;
    for (int64_t i = 0; i < d; ++i) {
      sum += static_cast<double>(x[i]) * in[i * hidden + h];
    }
    for (int64_t o = 0; o < d; ++o) {
      y[static_cast<size_t>(o)] += std::max(sum, 0.0) * out[h * d + o];
    }
  }
  return y;
}

// y = sum over i, j of G_primary(x)_i G_i(x)_j E_ij(x), experts of two shapes numbered through.
TEST(TwoLevel, MixedLayerIsTheSumOfItsExperts) {
  LayerBench bench(two_levels(), 8);
  move(bench.parameters, 100, 0.3);
  const Tensor x = tests::random_tensor({6, 8}, 1);
  const Tensor y = bench.forward(x, 1);
  const layers::Routing& routing = bench.pass.traces.back().routing;
  ASSERT_EQ(routing.expert_index.size(1), 4);
  std::vector<double> expected;
  for (int64_t t = 0; t < 6; ++t) {
    std::vector<double> sum(8);
    double weights = 0.0;
    for (int64_t k = 0; k < 4; ++k) {
      const int32_t expert = routing.expert_index.data<int32_t>()[t * 4 + k];
      const float weight = routing.gate_weight.data<float>()[t * 4 + k];
      const std::string group = expert < 5 ? "moe.experts0" : "moe.experts1";
      const std::vector<double> output =
          ffn_output(*bench.parameters.find(group + ".w0"), *bench.parameters.find(group + ".w1"),
                     expert < 5 ? expert : expert - 5, x.data<float>() + t * 8);
      for (size_t o = 0; o < 8; ++o) {
        sum[o] += weight * output[o];
      }
      weights += weight;
    }
    EXPECT_NEAR(weights, 1.0, 1e-5);
    expected.insert(expected.end(), sum.begin(), sum.end());
  }
  EXPECT_LT(tests::relative_error(tests::to_double(y), expected), 1e-5);
}

// Gates of other kinds at either level, the strict one with as many slots as experts.
TEST(TwoLevel, TakesAnyGateAtEitherLevel) {
  const core::ComponentConfig strict = {
      .plugin = "batchwise", .values = {{"k", int64_t{2}}}, .where = "test"};
  const core::ComponentConfig dense = {.plugin = "softmax", .where = "test"};
  for (const auto& [first, second] : {std::pair(strict, noisy(2)), std::pair(noisy(2), strict),
                                      std::pair(dense, noisy(1)), std::pair(noisy(1), dense)}) {
    SCOPED_TRACE(first.plugin + " over " + second.plugin);
    MoeConfig config = two_levels();
    config.gate = first;
    config.secondary_gate = second;
    LayerBench bench(config, 8);
    move(bench.parameters, 100, 0.3);
    const Tensor x = tests::random_tensor({12, 8}, 1);
    const Tensor y = bench.forward(x, 1);
    const layers::MoeTrace& trace = bench.pass.traces.back();
    EXPECT_GT(trace.offsets.data<int32_t>()[9], 0);
    const std::vector<float> importance = trace.routing.importance.to_vector<float>();
    const std::vector<float> weights = trace.routing.gate_weight.to_vector<float>();
    EXPECT_NEAR(std::accumulate(importance.begin(), importance.end(), 0.0),
                std::accumulate(weights.begin(), weights.end(), 0.0), 1e-4);
    const Tensor grad_x = tests::zero_tensor({12, 8});
    bench.layer.backward(y, {}, grad_x, bench.pass);
    EXPECT_TRUE(bench.pass.kept.empty());
    EXPECT_GT(tests::relative_error(tests::to_double(grad_x), std::vector<double>(12 * 8), 1.0),
              0.0);
    for (const tensor::Parameter& parameter : bench.parameters.all()) {
      for (int64_t i = 0; parameter.grad.defined() && i < parameter.grad.count(); ++i) {
        ASSERT_TRUE(std::isfinite(parameter.grad.data<float>()[i])) << parameter.name;
      }
    }
  }
}

// Two wide and two narrow experts, no task: gradient descent on the balance losses alone.
double share_of_wide_experts(BalanceBy by) {
  const MoeConfig config = {
      .gate = {.plugin = "noisy_topk", .values = {{"k", int64_t{1}}}, .where = "test"},
      .experts = {{.component = ffn(24), .count = 2}, {.component = ffn(8), .count = 2}},
      .balance = {.by = by, .w_importance = 0.0, .w_load = 1.0}};
  LayerBench bench(config, 4);
  const Tensor x = tests::random_tensor({256, 4}, 1);
  for (int64_t t = 0; t < 256; ++t) {
    x.data<float>()[t * 4] = 1.0F;  // a gate without biases needs something constant
  }
  const Tensor zero = tests::zero_tensor({256, 4});
  for (int64_t step = 1; step <= 40; ++step) {
    tests::zero_gradients(bench.parameters);
    (void)bench.forward(x, step);
    bench.layer.backward(zero, {}, tests::zero_tensor({256, 4}), bench.pass);
    for (tensor::Parameter& parameter : bench.parameters.all()) {
      for (int64_t i = 0; i < parameter.value.count(); ++i) {
        parameter.value.data<float>()[i] -= 0.5F * parameter.grad.data<float>()[i];
      }
    }
  }
  (void)bench.forward(x, 41);
  const std::vector<float> load = bench.pass.traces.back().routing.load.to_vector<float>();
  return (load[0] + load[1]) / (load[0] + load[1] + load[2] + load[3]);
}

TEST(Balance, ByTokensGivesEveryExpertItsShareAndByComputeEqualWork) {
  // One batch of 256 draws: a few per cent to either side.
  EXPECT_NEAR(share_of_wide_experts(BalanceBy::kTokens), 0.5, 0.06);
  // A wide expert costs three times a narrow one: a third of the tokens makes the work equal.
  EXPECT_NEAR(share_of_wide_experts(BalanceBy::kCompute), 0.25, 0.06);
}

TEST(Balance, OfALayerDoesNotListenToTheWeightsOfAGate) {
  plugin_host::PluginRegistry plugins(tests::built_plugins());
  MoeConfig config = two_levels();
  config.gate.values["w_load"] = 0.5;
  tensor::ParameterSet first;
  EXPECT_ERROR(MoeLayer("moe", 0, 8, config, plugins, first), core::ErrorCode::kInvalidArgument,
               "model.moe.gate: 'w_load' has no effect where the layer asks for balance itself");
}

TEST(TwoLevel, SaysWhichNumberDoesNotFit) {
  plugin_host::PluginRegistry plugins(tests::built_plugins());
  const auto expect_error = [&](const MoeConfig& config, const char* part) {
    tensor::ParameterSet parameters;
    EXPECT_ERROR(MoeLayer("moe", 0, 8, config, plugins, parameters),
                 core::ErrorCode::kInvalidArgument, part);
  };
  MoeConfig config = two_levels();
  config.groups = 2;
  expect_error(config, "must divide the number of experts, got 2 groups for 9 experts");
  config = two_levels();
  config.gate = noisy(4);
  expect_error(config, "got k = 4 for 3 experts");
  expect_error(config, "where the first one chooses among 3");
  config = two_levels();
  config.secondary_gate = noisy(5);
  expect_error(config, "where the second one chooses among 3");
  config = two_levels();
  config.balance.by = BalanceBy::kGate;
  expect_error(config, "cannot see to the balance of all experts");
}

}  // namespace
}  // namespace switchyard::models
