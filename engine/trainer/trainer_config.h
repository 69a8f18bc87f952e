#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/config_value.h"
#include "models/model_config.h"
#include "optim/parameter_selection.h"
#include "optim/schedule.h"
#include "tensor/dtype.h"

namespace switchyard::trainer {

/// The text of a run and how it is cut into batches.
struct DataConfig {
  std::string path;              // a directory that `switchyard prepare` wrote
  int64_t batch_size = 64;       // streams side by side, B
  int64_t sequence_length = 20;  // tokens per stream and step, S
  bool shuffle = true;           // sentences, anew in every epoch
  bool reset_state = true;  // recurrent state is zero at each sentence's start; false: carried on
};

/// Policy for a loss or a gradient that is NaN or Inf.
enum class NonfinitePolicy { kStop, kSkipStep };

/// The training loop.
struct LoopConfig {
  int64_t steps = 1000;
  uint64_t seed = 1;
  tensor::DType compute = tensor::DType::kF32;  // of the factors of products
  double clip_norm = 1.0;                       // of the global gradient norm; 0 = off
  int64_t log_every_steps = 10;                 // metrics
  int64_t expert_stats_every_steps = 10;
  int64_t evaluate_every_steps = 0;  // on the valid split; 0 = only at the end
  int64_t evaluate_max_words = 0;    // of those evaluations; 0 = the whole split
  NonfinitePolicy on_nonfinite = NonfinitePolicy::kStop;
  int threads = 0;  // 0 = all cores
};

/// When checkpoints are saved and which are kept.
struct CheckpointConfig {
  int64_t every_steps = 500;  // 0 = only at the end
  bool at_start = false;      // also before the first step
  int64_t keep_last = 3;
  bool keep_best = true;  // the one with the lowest valid perplexity
};

/// Parameters that have an optimizer of their own.
struct OptimizerGroupConfig {
  core::ComponentConfig component;
  optim::ParameterSelection selection;
  double learning_rate_scale = 1.0;  // times the schedule's
};

/// Everything that determines a run except where it is written.
struct TrainerConfig {
  DataConfig data;
  models::ModelConfig model;
  core::ComponentConfig optimizer;                     // of parameters that no group takes
  std::vector<OptimizerGroupConfig> optimizer_groups;  // the first that selects a parameter has it
  optim::Schedule schedule;
  LoopConfig train;
  CheckpointConfig checkpoint;
};

}  // namespace switchyard::trainer
