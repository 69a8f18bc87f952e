#pragma once

#include "bench/language_model_bench.h"
#include "plugin_host/plugin_registry.h"

namespace switchyard::bench {

/// Times forward and backward of one LSTM layer of d_model units.
[[nodiscard]] BenchResult bench_lstm(const BenchConfig& config);

/// Times forward and backward of one MoE layer: noisy top-k gate with both losses, ffn experts.
[[nodiscard]] BenchResult bench_moe(const BenchConfig& config,
                                    plugin_host::PluginRegistry& plugins);

/// Times the softmax head with its cross-entropy and all gradients.
[[nodiscard]] BenchResult bench_head(const BenchConfig& config);

/// Times one update of all parameters of the language model by an optimizer plugin. Memory bounds
/// it, so gbytes_per_second counts parameters and state, read and written, and gradients, read.
[[nodiscard]] BenchResult bench_optimizer(const BenchConfig& config, const std::string& optimizer,
                                          plugin_host::PluginRegistry& plugins);

}  // namespace switchyard::bench
