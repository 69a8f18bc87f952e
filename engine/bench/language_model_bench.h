#pragma once

#include <cstdint>

#include "core/function_ref.h"
#include "core/thread_pool.h"
#include "models/language_model_config.h"
#include "plugin_host/plugin_registry.h"

namespace switchyard::bench {

/// A language model to time, with random text.
struct LanguageModelBenchConfig {
  int64_t experts = 32;
  int64_t k = 4;
  int64_t d_model = 512;
  int64_t hidden = 1024;
  int64_t vocab_size = 10000;
  int64_t batch_size = 64;       // streams
  int64_t sequence_length = 20;  // tokens per stream
  double dropout = 0.1;
  int64_t sampled = 0;                          // words of the sampled softmax; 0 = full softmax
  bool sparse_gradient = false;                 // of the embedding
  tensor::DType compute = tensor::DType::kF32;  // see ops::Backend
  int threads = 0;                              // 0 = all cores
  int64_t warmup = 2;                           // steps that do not count
  int64_t iterations = 8;                       // steps that do
};

/// What was measured over whole steps.
struct BenchResult {
  double tokens_per_second = 0.0;  // from the median step
  double step_ms = 0.0;            // median
  double step_ms_min = 0.0;
  double gflops = 0.0;             // achieved: multiply-and-adds of all products count as two
  double gbytes_per_second = 0.0;  // achieved, of the traffic that cannot be avoided
  double share_of_limit = 0.0;     // least time on this machine / time, see MachineLimits
  int64_t peak_rss_bytes = 0;      // of the process
  double loss = 0.0;               // of the last step, so that a broken model is seen
};

/// What one step has to do at least.
struct BenchWork {
  int64_t tokens = 0;
  double flops = 0.0;
  double bytes = 0.0;  // to and from memory; 0 = not counted
};

/// Runs step(1), step(2), ..., config.warmup of them before it counts, and measures the machine's
/// limits with the same threads. `step` returns the loss, or some number that it computed.
[[nodiscard]] BenchResult time_steps(const LanguageModelBenchConfig& config,
                                     core::ThreadPool& threads, const BenchWork& work,
                                     core::FunctionRef<double(int64_t)> step);

/// The model of those sizes: the noisy top-k gate with both losses, one group of ffn experts.
[[nodiscard]] models::LanguageModelConfig bench_model(const LanguageModelBenchConfig& config);

/// Times whole training steps, forward, backward, clipping norm and Adam, of the model of Shazeer
/// et al. 2017, appendix C.1, with Adam, the noisy top-k gate and both balance losses.
/// Throws Error if a plugin is missing or the sizes make no sense.
[[nodiscard]] BenchResult bench_language_model(const LanguageModelBenchConfig& config,
                                               plugin_host::PluginRegistry& plugins);

}  // namespace switchyard::bench
