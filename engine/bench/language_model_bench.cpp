#include "bench/language_model_bench.h"

#include <algorithm>
#include <sys/resource.h>
#include <vector>

#include "bench/machine_limits.h"
#include "core/clock.h"
#include "core/rng.h"
#include "trainer/learner.h"

namespace switchyard::bench {

using tensor::DType;
using tensor::Tensor;

models::LanguageModelConfig bench_model(const BenchConfig& config) {
  models::LanguageModelConfig model = {
      .vocab_size = config.vocab_size, .d_model = config.d_model, .dropout = config.dropout};
  model.softmax.sampled = config.sampled;
  model.embedding.sparse_gradient = config.sparse_gradient;
  model.moe.gate = {.plugin = "noisy_topk", .values = {{"k", config.k}}, .where = "bench: gate"};
  model.moe.experts = {{.component = {.plugin = "ffn",
                                      .values = {{"hidden", std::vector<double>{static_cast<double>(
                                                                config.hidden)}}},
                                      .where = "bench: experts"},
                        .count = config.experts}};
  return model;
}

namespace {

// Uniformly random words; each stream is one long sentence.
data::Batch random_batch(const BenchConfig& config, tensor::Allocator& allocator) {
  const tensor::Shape shape = {config.batch_size, config.sequence_length};
  data::Batch batch = {.tokens = Tensor::zeros(DType::kI32, shape, allocator),
                       .targets = Tensor::zeros(DType::kI32, shape, allocator),
                       .resets = Tensor::zeros(DType::kU8, shape, allocator),
                       .num_words = shape.count()};
  const core::RngKey key = core::rng_key(1, "bench", 0);
  for (int64_t i = 0; i < shape.count(); ++i) {
    const auto element = static_cast<uint64_t>(2 * i);
    const auto V = static_cast<uint32_t>(config.vocab_size);
    batch.tokens.data<int32_t>()[i] = static_cast<int32_t>(core::random_word(key, {}, element) % V);
    batch.targets.data<int32_t>()[i] =
        static_cast<int32_t>(core::random_word(key, {}, element + 1) % V);
  }
  return batch;
}

// Forward, input gradient and weight gradient of every product, two operations per
// multiply-and-add.
double flops_per_step(const BenchConfig& config, const models::Model& model) {
  const auto tokens = static_cast<double>(config.batch_size * config.sequence_length);
  return 6.0 * tokens * (model.ops_per_timestep() + model.softmax_ops());
}

int64_t peak_rss_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

}  // namespace

BenchResult time_steps(const BenchConfig& config, core::ThreadPool& threads, const BenchWork& work,
                       core::FunctionRef<double(int64_t)> step) {
  core::require(config.iterations > 0 && config.warmup >= 0,
                "bench: iterations must be 1 or more and warmup 0 or more, got {} and {}",
                config.iterations, config.warmup);
  const core::Clock clock;
  std::vector<double> milliseconds;
  BenchResult result;
  for (int64_t i = 1; i <= config.warmup + config.iterations; ++i) {
    const int64_t begin_ns = clock.monotonic_ns();
    result.loss = step(i);
    if (i > config.warmup) {
      milliseconds.push_back(static_cast<double>(clock.monotonic_ns() - begin_ns) * 1e-6);
    }
  }
  result.peak_rss_bytes = peak_rss_bytes();
  std::sort(milliseconds.begin(), milliseconds.end());
  result.step_ms = milliseconds[milliseconds.size() / 2];
  result.step_ms_min = milliseconds.front();
  result.tokens_per_second = static_cast<double>(work.tokens) / result.step_ms * 1e3;
  result.gflops = work.flops / result.step_ms * 1e-6;
  result.gbytes_per_second = work.bytes / result.step_ms * 1e-6;
  result.share_of_limit =
      measure_machine_limits(threads).seconds_for(work.flops, work.bytes, config.compute) /
      (result.step_ms * 1e-3);
  return result;
}

BenchResult bench_language_model(const BenchConfig& config, plugin_host::PluginRegistry& plugins) {
  core::require(config.batch_size > 0 && config.sequence_length > 0,
                "bench: batch and steps must be 1 or more, got {} and {}", config.batch_size,
                config.sequence_length);
  core::ThreadPool threads(config.threads);
  tensor::CpuDevice device(threads);
  trainer::Learner learner(
      {.model = bench_model(config), .batch_size = config.batch_size, .compute = config.compute},
      device, plugins, plugins.make_optimizer({.plugin = "adam", .where = "bench: optimizer"}));
  learner.allocate();
  const data::Batch batch = random_batch(config, device.memory());
  const BenchWork work = {.tokens = batch.num_words,
                          .flops = flops_per_step(config, learner.model())};
  return time_steps(config, threads, work, [&](int64_t step) {
    const trainer::StepOutcome outcome = learner.compute_gradients(batch, step, 1e-3);
    learner.update(outcome, step, 1e-3);
    return outcome.task_loss();
  });
}

}  // namespace switchyard::bench
