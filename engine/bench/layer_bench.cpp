#include "bench/layer_bench.h"

#include <optional>
#include <vector>

#include "core/rng.h"
#include "layers/initialize.h"
#include "layers/lstm.h"
#include "layers/moe/moe_layer.h"
#include "layers/sampled_softmax.h"
#include "layers/softmax_head.h"
#include "layers/workspace.h"
#include "models/language_model.h"
#include "ops/generic/random.h"

namespace switchyard::bench {

namespace {

using tensor::DType;
using tensor::Tensor;

// Everything a layer needs to run outside a model.
struct Stage {
  explicit Stage(const BenchConfig& of)
      : config(of), threads(of.threads), backend(ops::backend_on(device, of.compute)) {}

  void allocate() {
    parameters.allocate(allocator);
    layers::initialize(backend, parameters, 1);
  }

  [[nodiscard]] Tensor random(const tensor::Shape& shape, std::string_view name) {
    const Tensor values = Tensor::zeros(DType::kF32, shape, allocator);
    ops::generic::fill_random(backend,
                              {.distribution = ops::generic::Distribution::kNormal,
                               .a = 0.0,
                               .b = 1.0,
                               .key = core::rng_key(1, name, 0)},
                              values);
    return values;
  }

  [[nodiscard]] layers::Pass& begin_pass(int64_t step) {
    for (tensor::Parameter& parameter : parameters.all()) {
      parameter.drop_grad();
    }
    return workspace.begin(layers::Mode::kTrain, 1, step);
  }

  // A parameter is read in forward and in backward; its gradient is read and written.
  [[nodiscard]] double parameter_bytes() const {
    return 4.0 * sizeof(float) * static_cast<double>(parameters.count());
  }
  [[nodiscard]] int64_t tokens() const { return config.batch_size * config.sequence_length; }

  const BenchConfig& config;
  core::ThreadPool threads;
  tensor::CpuDevice device{threads};
  tensor::CpuAllocator allocator;
  ops::Backend backend;
  layers::Workspace workspace{backend};
  tensor::ParameterSet parameters;
};

// Forward and backward of a layer on random rows.
BenchResult bench_layer(Stage& stage, layers::Layer& layer,
                        layers::RecurrentState* state = nullptr) {
  const BenchConfig& config = stage.config;
  const tensor::Shape rows = {stage.tokens(), config.d_model};
  const Tensor x = stage.random(rows, "x");
  const Tensor grad_y = stage.random(rows, "grad_y");
  const Tensor grad_x = Tensor::zeros(DType::kF32, rows, stage.allocator);
  const Tensor resets =
      Tensor::zeros(DType::kU8, {config.batch_size, config.sequence_length}, stage.allocator);
  const layers::SequenceInfo sequence = {.num_streams = config.batch_size,
                                         .num_steps = config.sequence_length,
                                         .resets = resets,
                                         .state = state};
  const BenchWork work = {
      .tokens = stage.tokens(),
      .flops = 6.0 * static_cast<double>(stage.tokens()) * layer.madds_per_token(),
      .bytes = stage.parameter_bytes() +
               2.0 * layer.step_memory(config.batch_size, config.sequence_length).kept};
  return time_steps(config, stage.threads, work, [&](int64_t step) {
    layers::Pass& pass = stage.begin_pass(step);
    const Tensor y = layer.forward(x, sequence, pass);
    layer.backward(grad_y, sequence, grad_x, pass);
    return static_cast<double>(y.data<float>()[0]);
  });
}

}  // namespace

BenchResult bench_lstm(const BenchConfig& config) {
  Stage stage(config);
  layers::Lstm lstm("lstm", {.d_in = config.d_model, .units = config.d_model}, stage.parameters);
  stage.allocate();
  const tensor::Shape shape = {config.batch_size, config.d_model};
  layers::RecurrentState state = {.name = "lstm",
                                  .h = Tensor::zeros(DType::kF32, shape, stage.allocator),
                                  .c = Tensor::zeros(DType::kF32, shape, stage.allocator)};
  return bench_layer(stage, lstm, &state);
}

BenchResult bench_moe(const BenchConfig& config, plugin_host::PluginRegistry& plugins) {
  Stage stage(config);
  layers::MoeLayer moe("moe", 0, config.d_model, bench_model(config).moe, plugins,
                       stage.parameters);
  stage.allocate();
  return bench_layer(stage, moe);
}

namespace {

layers::SoftmaxHead::Config head_config(const BenchConfig& config) {
  layers::SoftmaxHead::Config head = {.d_model = config.d_model,
                                      .vocab_size = config.vocab_size,
                                      .init = layers::uniform_fan_in(config.d_model, 1.0)};
  if (config.sampled > 0) {
    head.layout = layers::SoftmaxHead::Layout::kTable;
    head.touched_rows = {.per_token = 1, .fixed = config.sampled};
  }
  return head;
}

}  // namespace

BenchResult bench_head(const BenchConfig& config) {
  Stage stage(config);
  const int64_t choices = config.sampled > 0 ? config.sampled : config.vocab_size;
  const layers::SoftmaxHead head("softmax", head_config(config), stage.parameters);
  std::optional<layers::SampledSoftmax> sampled;
  if (config.sampled > 0) {
    sampled.emplace("softmax", config.sampled, layers::ClassSampler::log_uniform(config.vocab_size),
                    head.weights(), head.bias());
  }
  stage.allocate();
  const tensor::Shape rows = {stage.tokens(), config.d_model};
  const Tensor x = stage.random(rows, "x");
  const Tensor grad_x = Tensor::zeros(DType::kF32, rows, stage.allocator);
  const Tensor targets = Tensor::zeros(DType::kI32, {stage.tokens()}, stage.allocator);
  const core::RngKey key = core::rng_key(1, "targets", 0);
  for (int64_t t = 0; t < stage.tokens(); ++t) {
    const uint32_t word = core::random_word(key, {}, static_cast<uint64_t>(t));
    targets.data<int32_t>()[t] =
        static_cast<int32_t>(word % static_cast<uint32_t>(config.vocab_size));
  }
  const BenchWork work = {
      .tokens = stage.tokens(),
      .flops = 6.0 * static_cast<double>(stage.tokens() * config.d_model * choices),
      .bytes = stage.parameter_bytes()};
  return time_steps(config, stage.threads, work, [&](int64_t step) {
    layers::Pass& pass = stage.begin_pass(step);
    const double scale = 1.0 / static_cast<double>(stage.tokens());
    const Tensor loss = sampled ? sampled->loss_and_gradient(x, targets, scale, grad_x, pass)
                                : head.loss_and_gradient(x, targets, scale, grad_x, pass);
    return stage.device.read_back<double>(loss)[0] / static_cast<double>(stage.tokens());
  });
}

BenchResult bench_optimizer(const BenchConfig& config, const std::string& optimizer,
                            plugin_host::PluginRegistry& plugins) {
  Stage stage(config);
  const models::LanguageModel model(bench_model(config), plugins, stage.parameters);
  const auto updater = plugins.make_optimizer({.plugin = optimizer, .where = "bench: --optimizer"});
  updater->plan(stage.parameters.trained());
  stage.allocate();
  updater->allocate(stage.allocator);
  int64_t state = 0;
  for (const optim::StateTensor* tensor : updater->state()) {
    state += tensor->shape.count();
  }
  for (const tensor::Parameter& parameter : stage.parameters.all()) {
    if (parameter.grad.defined()) {
      ops::generic::fill_random(stage.backend, {.key = core::rng_key(1, parameter.name, 0)},
                                parameter.grad);
    }
  }
  const Tensor grad_scale = Tensor::from<float>({1}, {1.0F});
  const int64_t count = stage.parameters.count();
  const BenchWork work = {.tokens = stage.tokens(),
                          .flops = 0.0,
                          .bytes = sizeof(float) * static_cast<double>(3 * count + 2 * state)};
  return time_steps(config, stage.threads, work, [&](int64_t step) {
    updater->step({.backend = stage.backend,
                   .scratch = stage.workspace.begin(layers::Mode::kTrain, 1, step).scratch,
                   .step = step,
                   .learning_rate = 1e-3,
                   .grad_scale = grad_scale});
    return static_cast<double>(
        stage.device.read_back<float>(stage.parameters.all().front().value)[0]);
  });
}

}  // namespace switchyard::bench
