#pragma once

#include <filesystem>
#include <vector>

#include "trainer/trainer_config.h"

namespace switchyard::tests {

/// A run of a small model on `data`: one LSTM layer and one of four experts, with dropout, adam and
/// two threads. A test sets the steps and checkpoints that it needs.
inline trainer::TrainerConfig small_run(const std::filesystem::path& data) {
  trainer::TrainerConfig c;
  c.data = {.path = data.string(), .batch_size = 4, .sequence_length = 7};
  models::LanguageModelConfig model = {.d_model = 16, .dropout = 0.1};
  model.moe.gate = {.plugin = "noisy_topk", .values = {{"k", int64_t{2}}}, .where = "gate"};
  model.moe.experts = {{.component = {.plugin = "ffn",
                                      .values = {{"hidden", std::vector<double>{16.0}}},
                                      .where = "experts"},
                        .count = 4}};
  c.model = model;
  c.optimizer = {.plugin = "adam", .where = "optimizer"};
  c.schedule = {.base = 0.01, .warmup_steps = 5};
  return c;
}

}  // namespace switchyard::tests
