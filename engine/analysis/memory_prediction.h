#pragma once

#include <cstdint>

#include "trainer/learner.h"
#include "trainer/trainer_config.h"

namespace switchyard::analysis {

/// The peak memory of a training run in bytes, as the operating system counts it (VmHWM).
struct MemoryPrediction {
  trainer::LearnerMemory learner;
  double data = 0.0;     // vocabulary, tables by word, and the pages of text that are read
  double program = 0.0;  // code, libraries, threads, the run's database

  [[nodiscard]] double total() const { return learner.total() + data + program; }
};

/// Predicts the memory of a run with this configuration. Reads only the sizes of the data set's
/// files, if it exists.
[[nodiscard]] MemoryPrediction predict_memory(const trainer::TrainerConfig& config,
                                              int64_t vocab_size, trainer::Learner& learner);

}  // namespace switchyard::analysis
