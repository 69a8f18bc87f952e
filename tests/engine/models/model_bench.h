#pragma once

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "layers/initialize.h"
#include "layers/workspace.h"
#include "models/language_model.h"
#include "tests/support/dense_gradient.h"
#include "tests/support/plugin_directory.h"
#include "tests/support/random_tensor.h"

namespace switchyard::models {

constexpr int64_t kB = 4;
constexpr int64_t kS = 6;
constexpr int64_t kV = 23;

inline core::ComponentConfig ffn(double hidden) {
  return {.plugin = "ffn", .values = {{"hidden", std::vector<double>{hidden}}}, .where = "test"};
}

// A model with the real plugins, its parameters and all it needs for a pass.
struct Bench {
  explicit Bench(const LanguageModelConfig& config) : model(config, plugins, parameters), state() {
    parameters.allocate(allocator);
    layers::initialize(ops::backend_on(device), parameters, 3);
    state = model.make_state(kB, allocator);
  }

  layers::Pass& pass(layers::Mode mode) { return workspace.begin(mode, 7, 1); }

  data::Batch input(int64_t steps = kS) {
    std::vector<int32_t> tokens;
    std::vector<int32_t> targets;
    std::vector<uint8_t> resets;
    for (int32_t i = 0; i < kB * steps; ++i) {
      tokens.push_back((i * 7) % kV);
      targets.push_back(i % 9 == 4 ? -1 : (i * 5 + 1) % kV);
      resets.push_back(i % 5 == 0 ? 1 : 0);
    }
    return {.tokens = tensor::Tensor::from<int32_t>({kB, steps}, tokens),
            .targets = tensor::Tensor::from<int32_t>({kB, steps}, targets),
            .resets = tensor::Tensor::from<uint8_t>({kB, steps}, resets)};
  }

  // Task loss and balance loss of a training pass from a zero state; adds to the gradients.
  double total_loss() {
    state = model.make_state(kB, allocator);
    const Losses losses = model.train(input(), 0.5, state, pass(layers::Mode::kTrain));
    return losses.nll * 0.5 + losses.balance;
  }

  plugin_host::PluginRegistry plugins{tests::built_plugins()};
  core::ThreadPool threads{2};
  tensor::CpuDevice device{threads};
  tensor::CpuAllocator allocator;
  layers::Workspace workspace{ops::backend_on(device)};
  tensor::ParameterSet parameters;
  LanguageModel model;
  CarriedState state;
};

// Moves every parameter by factor * direction, direction from the seed.
inline void move(tensor::ParameterSet& parameters, uint64_t seed, double factor) {
  for (tensor::Parameter& parameter : parameters.all()) {
    const std::vector<float> direction = tests::random_values(parameter.value.count(), seed++);
    for (size_t i = 0; i < direction.size(); ++i) {
      parameter.value.data<float>()[i] += static_cast<float>(factor * direction[i]);
    }
  }
}

inline double along(const tensor::ParameterSet& parameters, uint64_t seed) {
  double sum = 0.0;
  for (const tensor::Parameter& parameter : parameters.all()) {
    const std::vector<float> gradient = tests::dense_gradient(parameter);
    const std::vector<float> direction = tests::random_values(parameter.value.count(), seed++);
    for (size_t i = 0; i < direction.size(); ++i) {
      sum += static_cast<double>(gradient[i]) * direction[i];
    }
  }
  return sum;
}

// The derivative along a few directions. The noise is addressed, so a second pass at the same step
// repeats it, as does the sample of a sampled softmax; a gate with weights keeps the chosen experts
// apart.
inline void expect_gradients_equal_differences(Bench& bench, double step = 1e-3) {
  move(bench.parameters, 100, 0.3);
  for (const uint64_t seed : {1000, 2000, 3000, 4000}) {
    tests::zero_gradients(bench.parameters);
    (void)bench.total_loss();
    const double gradient = along(bench.parameters, seed);
    move(bench.parameters, seed, step);
    const double above = bench.total_loss();
    move(bench.parameters, seed, -2.0 * step);
    const double below = bench.total_loss();
    move(bench.parameters, seed, step);
    EXPECT_NEAR((above - below) / (2.0 * step), gradient, 1e-2 * std::abs(gradient) + 1e-2)
        << "direction " << seed;
  }
}

}  // namespace switchyard::models
