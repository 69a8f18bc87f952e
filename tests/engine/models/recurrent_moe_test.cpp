// The recurrent layer of experts with the real plugins behind the real host.
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "tests/engine/models/recurrent_bench.h"
#include "tests/support/error_matcher.h"

namespace switchyard::models {
namespace {

using layers::Mixture;
using tests::relative_error;
using tests::to_double;

Numbers squared_deviations(const Numbers& v, double mean) {
  Numbers squares;
  for (const double value : v) {
    squares.push_back((value - mean) * (value - mean));
  }
  return squares;
}

double squared_variation(const Numbers& v) {
  const auto n = static_cast<double>(v.size());
  const double mean = std::accumulate(v.begin(), v.end(), 0.0) / n;
  const Numbers squares = squared_deviations(v, mean);
  return std::accumulate(squares.begin(), squares.end(), 0.0) / n / (mean * mean);
}

double sigmoid(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}

/// y [columns] of x W for one row; W has x.size() rows.
Numbers times(const Numbers& x, const double* w, size_t columns) {
  Numbers y(columns, 0.0);
  for (size_t i = 0; i < x.size(); ++i) {
    for (size_t o = 0; o < columns; ++o) {
      y[o] += x[i] * w[i * columns + o];
    }
  }
  return y;
}

Numbers softmax(Numbers v) {
  double sum = 0.0;
  for (double& value : v) {
    value = std::exp(value);
    sum += value;
  }
  for (double& value : v) {
    value /= sum;
  }
  return v;
}

/// The equations of the layer in double, stream by stream and step by step: linear experts, all of
/// them chosen, with softmax(xm W_g) for weights.
struct PlainLayer {
  Numbers x, gate, experts, bias, projection, h, c;
  std::vector<uint8_t> resets;
  Numbers grad_y;
  double w_importance = 0.0;
  size_t num_experts = 0;
  size_t num_steps = 0;
  Numbers y{};
  Numbers importance{};

  /// <grad_y, y> + w_importance CV^2(importance), from the given state.
  double loss() {
    y.clear();
    importance.assign(num_experts, 0.0);
    for (size_t b = 0; b < kStreams; ++b) {
      Numbers m(h.begin() + static_cast<int64_t>(b) * kOutputs,
                h.begin() + static_cast<int64_t>(b + 1) * kOutputs);
      Numbers cell(c.begin() + static_cast<int64_t>(b) * kUnits,
                   c.begin() + static_cast<int64_t>(b + 1) * kUnits);
      for (size_t s = 0; s < num_steps; ++s) {
        step(b * num_steps + s, m, cell);
        y.insert(y.end(), m.begin(), m.end());
      }
    }
    const double task = std::inner_product(y.begin(), y.end(), grad_y.begin(), 0.0);
    return task + w_importance * squared_variation(importance);
  }

  void step(size_t row, Numbers& m, Numbers& cell) {
    if (resets[row] != 0) {
      std::fill(m.begin(), m.end(), 0.0);
      std::fill(cell.begin(), cell.end(), 0.0);
    }
    Numbers xm(x.begin() + static_cast<int64_t>(row) * kInputs,
               x.begin() + static_cast<int64_t>(row + 1) * kInputs);
    xm.insert(xm.end(), m.begin(), m.end());
    const Numbers weights = softmax(times(xm, gate.data(), num_experts));
    Numbers z = bias;
    for (size_t e = 0; e < num_experts; ++e) {
      importance[e] += weights[e];
      const Numbers output = times(xm, experts.data() + e * kWidth * z.size(), z.size());
      for (size_t o = 0; o < z.size(); ++o) {
        z[o] += weights[e] * output[o];
      }
    }
    Numbers hidden;
    for (size_t u = 0; u < kUnits; ++u) {
      cell[u] =
          sigmoid(z[2 * kUnits + u] + 0.5) * cell[u] + sigmoid(z[u]) * std::tanh(z[kUnits + u]);
      hidden.push_back(sigmoid(z[3 * kUnits + u]) * std::tanh(cell[u]));
    }
    m = times(hidden, projection.data(), kOutputs);
  }
};

TEST(RecurrentMoe, GradientsEqualDifferencesOfItsEquationsInDouble) {
  constexpr int64_t kSteps = 5;
  RecurrentMoeConfig config = config_of(dense_gate());
  config.moe.experts = {{.component = linear(), .count = 2}, {.component = linear(), .count = 1}};
  config.moe.balance.w_importance = 2.0;
  MoeBench bench(moe(config));
  PlainLayer plain = {.gate = to_double(bench.parameter("layer.gate.w_gate").value),
                      .experts = to_double(bench.parameter("layer.experts0.w0").value),
                      .bias = to_double(bench.parameter("layer.bias").value),
                      .projection = to_double(bench.parameter("layer.projection").value),
                      .h = to_double(bench.state.h),
                      .c = to_double(bench.state.c),
                      .resets = MoeBench::sequence_of(kSteps).resets.to_vector<uint8_t>(),
                      .w_importance = 2.0,
                      .num_experts = 3,
                      .num_steps = kSteps};
  const Numbers second = to_double(bench.parameter("layer.experts1.w0").value);
  plain.experts.insert(plain.experts.end(), second.begin(), second.end());
  bench.run(kSteps);
  plain.x = to_double(bench.x);
  plain.grad_y = to_double(bench.grad_y);

  (void)plain.loss();
  EXPECT_LT(relative_error({bench.y_values.begin(), bench.y_values.end()}, plain.y), 1e-6);
  EXPECT_LT(
      relative_error(to_double(bench.pass.traces.back().routing.importance), plain.importance),
      1e-6);
  EXPECT_NEAR(bench.pass.traces.back().routing.aux_loss.data<float>()[0],
              2.0 * squared_variation(plain.importance), 1e-6);
  const auto gradient = [&](Numbers& values) {
    const Numbers at = values;
    const Numbers numeric = tests::numeric_gradient(at, [&](const Numbers& moved) {
      values = moved;
      return plain.loss();
    });
    values = at;
    return numeric;
  };
  EXPECT_LT(relative_error(to_double(bench.grad_x), gradient(plain.x)), 1e-5);
  const auto grad_of = [&](const std::string& name) {
    return to_double(bench.parameter(name).grad);
  };
  EXPECT_LT(relative_error(grad_of("layer.gate.w_gate"), gradient(plain.gate)), 1e-5);
  EXPECT_LT(relative_error(grad_of("layer.bias"), gradient(plain.bias)), 1e-5);
  EXPECT_LT(relative_error(grad_of("layer.projection"), gradient(plain.projection)), 1e-5);
  Numbers of_experts = grad_of("layer.experts0.w0");
  const Numbers of_second = grad_of("layer.experts1.w0");
  of_experts.insert(of_experts.end(), of_second.begin(), of_second.end());
  EXPECT_LT(relative_error(of_experts, gradient(plain.experts)), 1e-5);
}

// Two batches, so that the state is carried on; with and without a projection and a gate.
TEST(RecurrentMoe, WithOneLinearExpertIsAnLstm) {
  for (const int64_t projection : {int64_t{0}, kOutputs}) {
    for (const bool has_gate : {false, true}) {
      SCOPED_TRACE(fmt::format("projection {}, gate {}", projection, has_gate));
      RecurrentMoeConfig config =
          config_of(has_gate ? gate("noisy_topk", 1) : core::ComponentConfig{});
      config.lstm.projection = projection;
      config.moe.experts = {{.component = linear(), .count = 1}};
      MoeBench mixed(moe(config));
      LstmBench plain(lstm(config.lstm));
      const auto partner = [](const std::string& name) {
        return name == "layer.kernel" ? std::string("layer.experts0.w0") : name;
      };
      for (tensor::Parameter& parameter : plain.parameters.all()) {
        const Floats values = mixed.parameter(partner(parameter.name)).value.to_vector<float>();
        std::copy(values.begin(), values.end(), parameter.value.data<float>());
      }
      for (const uint64_t seed : {1, 50}) {
        mixed.run(7, seed);
        plain.run(7, seed);
        EXPECT_LT(relative_error({mixed.y_values.begin(), mixed.y_values.end()},
                                 {plain.y_values.begin(), plain.y_values.end()}),
                  1e-6);
        EXPECT_LT(relative_error(to_double(mixed.grad_x), to_double(plain.grad_x)), 1e-5);
        EXPECT_LT(relative_error(to_double(mixed.state.h), to_double(plain.state.h)), 1e-6);
        EXPECT_LT(relative_error(to_double(mixed.state.c), to_double(plain.state.c)), 1e-6);
      }
      for (const tensor::Parameter& parameter : plain.parameters.all()) {
        EXPECT_LT(relative_error(to_double(mixed.parameter(partner(parameter.name)).grad),
                                 to_double(parameter.grad)),
                  1e-5)
            << parameter.name;
      }
    }
  }
}

// After a reset the gate sees [x_t, 0], whatever the step: the routing, its noise and its sums are
// those of a layer that takes all B S tokens at once.
TEST(RecurrentMoe, RoutesAsAFlatMixtureWhereNothingRecurs) {
  constexpr int64_t kSteps = 6;
  const RecurrentMoeConfig config = config_of(gate("noisy_topk", 2));
  MoeBench bench(moe(config));
  layers::SequenceInfo sequence = MoeBench::sequence_of(kSteps);
  std::fill_n(sequence.resets.data<uint8_t>(), kStreams * kSteps, uint8_t{1});
  const Tensor x = random_tensor({kStreams * kSteps, kInputs}, 1);
  bench.begin_pass();
  (void)bench.forward(x, sequence);
  const layers::MoeTrace& trace = bench.pass.traces.back();

  tensor::ParameterSet parameters;
  Mixture flat({.name = "layer", .d_in = kWidth, .d_out = 4 * kUnits}, config.moe, bench.plugins,
               parameters);
  parameters.allocate(bench.allocator);
  for (tensor::Parameter& parameter : parameters.all()) {
    const Floats values = bench.parameter(parameter.name).value.to_vector<float>();
    std::copy(values.begin(), values.end(), parameter.value.data<float>());
  }
  const Tensor rows = zero_tensor({kStreams * kSteps, kWidth});
  for (int64_t row = 0; row < x.size(0); ++row) {
    std::copy_n(x.data<float>() + row * kInputs, kInputs, rows.data<float>() + row * kWidth);
  }
  const Mixture::Output at_once =
      flat.forward({.x = rows, .token_ids = sequence.tokens}, bench.pass);
  EXPECT_EQ(trace.routing.expert_index.to_vector<int32_t>(),
            at_once.routing.expert_index.to_vector<int32_t>());
  EXPECT_EQ(trace.offsets.to_vector<int32_t>(), at_once.plan.offsets.to_vector<int32_t>());
  for (const auto& [got, wanted] :
       {std::pair(trace.routing.gate_weight, at_once.routing.gate_weight),
        std::pair(trace.routing.importance, at_once.routing.importance),
        std::pair(trace.routing.load, at_once.routing.load)}) {
    EXPECT_LT(relative_error(to_double(got), to_double(wanted)), 1e-5);
  }
}

TEST(RecurrentMoe, GivesPaddingToNoExpert) {
  MoeBench bench(moe(config_of(gate("noisy_topk", 2))));
  layers::SequenceInfo sequence = MoeBench::sequence_of(4);
  sequence.mask = Tensor::from<uint8_t>({12}, {1, 1, 1, 1, 0, 1, 0, 1, 1, 1, 1, 0});
  bench.begin_pass();
  (void)bench.forward(random_tensor({12, kInputs}, 1), sequence);
  const layers::MoeTrace& trace = bench.pass.traces.back();
  const std::vector<int32_t> experts = trace.routing.expert_index.to_vector<int32_t>();
  for (size_t row = 0; row < 12; ++row) {
    EXPECT_EQ(experts[2 * row] < 0, sequence.mask.data<uint8_t>()[row] == 0) << row;
  }
  EXPECT_EQ(trace.offsets.to_vector<int32_t>().back(), 2 * 9);
  const Numbers importance = to_double(trace.routing.importance);
  EXPECT_NEAR(std::accumulate(importance.begin(), importance.end(), 0.0), 9.0, 1e-5);
}

TEST(RecurrentMoe, EvaluatesAllStepsAtOnceAsOneByOne) {
  constexpr int64_t kSteps = 6;
  MoeBench bench(moe(config_of(gate("noisy_topk", 2))));
  const layers::SequenceInfo whole = MoeBench::sequence_of(kSteps);
  const Tensor x = random_tensor({kStreams * kSteps, kInputs}, 1);
  bench.begin_pass(layers::Mode::kEvaluate);
  const Numbers at_once = to_double(bench.forward(x, whole));
  EXPECT_TRUE(bench.pass.kept.empty());
  bench.reset_state();
  for (int64_t step = 0; step < kSteps; ++step) {
    layers::SequenceInfo one = MoeBench::sequence_of(1);
    const Tensor rows = zero_tensor({kStreams, kInputs});
    for (int64_t b = 0; b < kStreams; ++b) {
      const int64_t row = b * kSteps + step;
      one.resets.data<uint8_t>()[b] = whole.resets.data<uint8_t>()[row];
      std::copy_n(x.data<float>() + row * kInputs, kInputs, rows.data<float>() + b * kInputs);
    }
    bench.begin_pass(layers::Mode::kEvaluate);
    const Numbers y = to_double(bench.forward(rows, one));
    for (int64_t b = 0; b < kStreams; ++b) {
      for (int64_t p = 0; p < kOutputs; ++p) {
        EXPECT_NEAR(y[static_cast<size_t>(b * kOutputs + p)],
                    at_once[static_cast<size_t>((b * kSteps + step) * kOutputs + p)], 1e-5);
      }
    }
  }
}

TEST(RecurrentMoe, SaysWhatItCannotDo) {
  const auto expect_error = [](const RecurrentMoeConfig& config, const char* part) {
    EXPECT_ERROR(const MoeBench bench(moe(config)), core::ErrorCode::kInvalidArgument, part);
  };
  RecurrentMoeConfig config = config_of(gate("noisy_topk", 2));
  config.moe.balance.by = BalanceBy::kGate;
  expect_error(config, "the gate of a recurrent layer sees one step at a time");
  config = config_of(gate("noisy_topk", 2));
  config.moe.memory.update_in_backward = true;
  expect_error(config, "set model.moe.update_in_backward = false");
  config = config_of(gate("noisy_topk", 2));
  config.segment = -2;
  expect_error(config, "model.recurrent_moe.segment must be -1");
  config = config_of({});
  expect_error(config, "without a gate there must be exactly one expert, got 6");
}

LanguageModelConfig small_model() {
  LanguageModelConfig config = {.vocab_size = kV, .d_model = 8, .dropout = 0.0};
  config.layers = {LayerKind::kLstm, LayerKind::kRecurrentMoe};
  config.moe = config_of(gate("noisy_topk", 2)).moe;
  return config;
}

// Embedding to loss through the C ABI, noise and both balance losses on, activations computed
// again.
TEST(RecurrentMoe, GradientsOfAModelEqualDirectionalFiniteDifferences) {
  Bench bench(small_model());
  expect_gradients_equal_differences(bench, 3e-4);  // a longer way passes a bend of a ReLU
}

TEST(RecurrentMoe, GradientsOfTwoLevelsAndAProjectionEqualDirectionalFiniteDifferences) {
  LanguageModelConfig config = small_model();
  config.layers = {LayerKind::kRecurrentMoe, LayerKind::kMoe};
  config.lstm = {.units = 11, .projection = 8, .forget_bias = 0.5};
  config.moe.gate = gate("noisy_topk", 1);
  config.moe.groups = 3;
  config.moe.secondary_gate = gate("noisy_topk", 2);
  config.moe.balance.by = BalanceBy::kCompute;
  Bench bench(config);
  expect_gradients_equal_differences(bench);
}

// Kernel 16 x 32 of the LSTM; two of the larger experts, 16 x 12 + 12 x 32, and two matrices of the
// gate, 16 x 6.
TEST(RecurrentMoe, CountsParametersAndOperations) {
  Bench bench(small_model());
  EXPECT_EQ(bench.model.ops_per_timestep(), 16 * 32 + 2 * (16 * 12 + 12 * 32) + 2 * 16 * 6);
  for (const auto& [name, shape] : {std::pair("layers.1.experts0.w0", tensor::Shape{3, 16, 12}),
                                    std::pair("layers.1.experts0.w1", tensor::Shape{3, 12, 32}),
                                    std::pair("layers.1.experts1.w1", tensor::Shape{3, 5, 32}),
                                    std::pair("layers.1.gate.w_gate", tensor::Shape{16, 6}),
                                    std::pair("layers.1.gate.w_noise", tensor::Shape{16, 6}),
                                    std::pair("layers.1.bias", tensor::Shape{32})}) {
    ASSERT_NE(bench.parameters.find(name), nullptr) << name;
    EXPECT_EQ(bench.parameters.find(name)->shape, shape) << name;
  }
  EXPECT_EQ(bench.state.at(1).name, "layers.1");
  EXPECT_EQ(bench.state.at(1).h.shape(), (tensor::Shape{kB, 8}));
  EXPECT_EQ(bench.model.moe_layers().at(0)->name(), "layers.1");
}

}  // namespace
}  // namespace switchyard::models
