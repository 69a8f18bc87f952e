#pragma once

#include <cstdint>

#include "core/function_ref.h"
#include "core/thread_pool.h"
#include "models/language_model_config.h"
#include "plugin_host/plugin_registry.h"

namespace switchyard::bench {

/// The sizes of a language model to time on random text.
struct BenchConfig {
  int64_t experts = 32;
  int64_t k = 4;
  int64_t d_model = 512;
  int64_t hidden = 1024;
  int64_t vocab_size = 10000;
  int64_t batch_size = 64;       // streams
  int64_t sequence_length = 20;  // tokens per stream
  double dropout = 0.1;
  int64_t sampled = 0;           // words of the sampled softmax; 0 = full softmax
  bool sparse_gradient = false;  // the embedding's gradient by row
  tensor::DType compute =
      tensor::DType::kF32;  // element type of matrix product operands, see ops::Backend
  int threads = 0;          // 0 = all cores
  int64_t warmup = 2;       // steps that are not timed
  int64_t iterations = 8;   // timed steps
};

/// Measurements over whole steps.
struct BenchResult {
  double tokens_per_second = 0.0;  // from the median step
  double step_ms = 0.0;            // median
  double step_ms_min = 0.0;
  double gflops = 0.0;             // achieved; a multiply-add counts as two operations
  double gbytes_per_second = 0.0;  // achieved, counting unavoidable traffic only
  double share_of_limit = 0.0;  // least time on this machine divided by the time, see MachineLimits
  int64_t peak_rss_bytes = 0;   // of the process
  double loss = 0.0;            // of the last step, to show that the model works
};

/// The least work of one step.
struct BenchWork {
  int64_t tokens = 0;
  double flops = 0.0;
  double bytes = 0.0;  // to and from memory; 0 = not counted
};

/// Times step(1), step(2), ... after config.warmup steps, and measures the machine's limits with
/// the same threads. `step` returns the loss or another result.
[[nodiscard]] BenchResult time_steps(const BenchConfig& config, core::ThreadPool& threads,
                                     const BenchWork& work,
                                     core::FunctionRef<double(int64_t)> step);

/// A model of these sizes with the noisy top-k gate, both balance losses and one group of ffn
/// experts.
[[nodiscard]] models::LanguageModelConfig bench_model(const BenchConfig& config);

/// Times whole training steps (forward, backward, gradient norm, Adam) of the model of Shazeer et
/// al. 2017, appendix C.1, with the noisy top-k gate and both balance losses. Throws Error if a
/// plugin is missing or the sizes are invalid.
[[nodiscard]] BenchResult bench_language_model(const BenchConfig& config,
                                               plugin_host::PluginRegistry& plugins);

}  // namespace switchyard::bench
