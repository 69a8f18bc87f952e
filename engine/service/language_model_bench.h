#pragma once

#include <cstdint>

#include "plugin_host/plugin_registry.h"

namespace switchyard::service {

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
  tensor::DType compute = tensor::DType::kF32;  // see ops::Backend
  int threads = 0;                              // 0 = all cores
  int64_t warmup = 2;                           // steps that do not count
  int64_t iterations = 8;                       // steps that do
};

/// What was measured over whole training steps: forward, backward, clipping norm and Adam.
struct BenchResult {
  double tokens_per_second = 0.0;  // from the median step
  double step_ms = 0.0;            // median
  double step_ms_min = 0.0;
  double gflops = 0.0;         // achieved: multiply-and-adds of all products count as two
  int64_t peak_rss_bytes = 0;  // of the process
  double loss = 0.0;           // of the last step, so that a broken model is seen
};

/// Times training steps of the model of Shazeer et al. 2017, appendix C.1, with Adam, the
/// noisy top-k gate and both balance losses.
/// Throws Error if a plugin is missing or the sizes make no sense.
[[nodiscard]] BenchResult bench_language_model(const LanguageModelBenchConfig& config,
                                               plugin_host::PluginRegistry& plugins);

}  // namespace switchyard::service
