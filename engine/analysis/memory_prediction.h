#pragma once

#include <cstdint>

#include "trainer/learner.h"
#include "trainer/trainer_config.h"

namespace switchyard::analysis {

/// Bytes that a training run holds at its peak, as the operating system counts them (VmHWM).
struct MemoryPrediction {
  trainer::LearnerMemory learner;
  double data = 0.0;     // vocabulary, tables by word, and the pages of the text that are read
  double program = 0.0;  // code, libraries, threads, the run's database

  [[nodiscard]] double total() const { return learner.total() + data + program; }
};

/// What a run of that configuration holds. Reads the sizes of the data set's files, if it is there,
/// and nothing else of it.
[[nodiscard]] MemoryPrediction predict_memory(const trainer::TrainerConfig& config,
                                              int64_t vocab_size, trainer::Learner& learner);

}  // namespace switchyard::analysis
