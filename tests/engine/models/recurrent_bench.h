#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "layers/moe/recurrent_moe.h"
#include "tests/engine/models/model_bench.h"

namespace switchyard::models {

using layers::Lstm;
using layers::LstmConfig;
using layers::RecurrentMoe;
using layers::RecurrentMoeConfig;
using tensor::Tensor;
using tests::random_tensor;
using tests::zero_tensor;
using Floats = std::vector<float>;
using Numbers = std::vector<double>;

constexpr int64_t kStreams = 3;
constexpr int64_t kInputs = 4;
constexpr int64_t kUnits = 5;
constexpr int64_t kOutputs = 3;  // of the projection
constexpr int64_t kWidth = kInputs + kOutputs;

inline core::ComponentConfig gate(const std::string& plugin, int64_t k) {
  return {.plugin = plugin, .values = {{"k", k}}, .where = "model.moe.gate"};
}

inline core::ComponentConfig dense_gate() {
  return {.plugin = "softmax", .where = "model.moe.gate"};
}

inline core::ComponentConfig linear() {
  return {.plugin = "ffn", .values = {{"hidden", Numbers{}}}, .where = "test"};
}

inline RecurrentMoeConfig config_of(const core::ComponentConfig& gate) {
  return {
      .lstm = {.d_in = kInputs, .units = kUnits, .projection = kOutputs, .forget_bias = 0.5},
      .moe = {.gate = gate,
              .experts = {{.component = ffn(12), .count = 3}, {.component = ffn(5), .count = 3}},
              .balance = {.by = BalanceBy::kTokens}}};
}

// One recurrent layer, a state and a workspace.
template <typename RecurrentLayer>
struct RecurrentBench {
  using Make = std::function<std::unique_ptr<RecurrentLayer>(layers::ComponentFactory&,
                                                             tensor::ParameterSet&)>;

  explicit RecurrentBench(const Make& make) : layer(make(plugins, parameters)) {
    parameters.allocate(allocator);
    layers::initialize(ops::backend_on(device), parameters, 3);
    move(parameters, 100, 0.3);
    reset_state();
  }

  void reset_state() {
    state = {.h = random_tensor({kStreams, layer->outputs()}, 21),
             .c = random_tensor({kStreams, layer->units()}, 22)};
  }

  void begin_pass(layers::Mode mode = layers::Mode::kTrain) {
    workspace.begin(mode, 7, 1).token_base = 100;
  }

  // Forward from the state, which is carried on.
  Tensor forward(const Tensor& rows, layers::SequenceInfo of) {
    of.state = &state;
    return layer->forward(rows, of, pass);
  }

  // Forward and backward on rows that the seed decides.
  void run(int64_t num_steps, uint64_t seed = 1) {
    const int64_t rows = kStreams * num_steps;
    sequence = sequence_of(num_steps);
    x = random_tensor({rows, kInputs}, seed);
    grad_y = random_tensor({rows, layer->outputs()}, seed + 1);
    grad_x = zero_tensor({rows, kInputs});
    begin_pass();
    y = forward(x, sequence);
    y_values = y.template to_vector<float>();
    layer->backward(grad_y, sequence, grad_x, pass);
    EXPECT_TRUE(pass.kept.empty());
    EXPECT_EQ(pass.token_base, 100);
    EXPECT_EQ(pass.token_stride, 1);
  }

  static layers::SequenceInfo sequence_of(int64_t num_steps) {
    std::vector<uint8_t> resets;
    std::vector<int32_t> tokens;
    for (int32_t i = 0; i < kStreams * num_steps; ++i) {
      resets.push_back(i % 5 == 3 ? 1 : 0);
      tokens.push_back(i);
    }
    return {.num_streams = kStreams,
            .num_steps = num_steps,
            .resets = Tensor::from<uint8_t>({kStreams, num_steps}, resets),
            .tokens = Tensor::from<int32_t>({kStreams * num_steps}, tokens)};
  }

  const tensor::Parameter& parameter(const std::string& name) { return *parameters.find(name); }

  // The results of a step: output, state, gradients and what gates count.
  std::vector<Floats> results() {
    std::vector<Floats> all = {y_values, grad_x.template to_vector<float>(),
                               state.h.template to_vector<float>(),
                               state.c.template to_vector<float>()};
    for (const tensor::Parameter& each : parameters.all()) {
      all.push_back((each.is_buffer ? each.value : each.grad).template to_vector<float>());
    }
    return all;
  }

  plugin_host::PluginRegistry plugins{tests::built_plugins()};
  core::ThreadPool threads{2};
  tensor::CpuDevice device{threads};
  tensor::CpuAllocator allocator;
  layers::Workspace workspace{ops::backend_on(device)};
  layers::Pass& pass = workspace.pass();
  tensor::ParameterSet parameters;
  std::unique_ptr<RecurrentLayer> layer;
  layers::RecurrentState state;
  layers::SequenceInfo sequence;
  Tensor x, y, grad_y, grad_x;
  Floats y_values;
};

using LstmBench = RecurrentBench<Lstm>;
using MoeBench = RecurrentBench<RecurrentMoe>;

inline MoeBench::Make moe(const RecurrentMoeConfig& config) {
  return [config](layers::ComponentFactory& factory, tensor::ParameterSet& parameters) {
    return std::make_unique<RecurrentMoe>("layer", 0, config, factory, parameters);
  };
}

inline LstmBench::Make lstm(const LstmConfig& config) {
  return [config](layers::ComponentFactory& /*factory*/, tensor::ParameterSet& parameters) {
    return std::make_unique<Lstm>("layer", config, parameters);
  };
}

}  // namespace switchyard::models
