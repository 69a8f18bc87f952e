#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace switchyard::sweep {

/// An evaluation during training.
struct CurvePoint {
  int64_t words = 0;        // trained on until then
  double perplexity = 0.0;  // of the valid split
};

/// The numbers that a run's database holds. NaN means that nothing is recorded.
struct RunMeasures {
  int64_t step = 0;
  int64_t words = 0;              // trained on
  double words_per_second = 0.0;  // median over the logged steps
  double seconds = 0.0;           // from the start to the last step, without steps lost in a crash
  double train_loss = 0.0;        // nats per word, mean of the last ten logged steps
  // Means over the last twenty logged steps and all layers with more than one expert:
  double cv_importance = 0.0;
  double cv_load = 0.0;
  double max_over_mean_load = 0.0;  // of the tokens
  std::vector<CurvePoint> curve;
};

/// Reads run.db of a run. Throws storage::Error if it cannot be read.
[[nodiscard]] RunMeasures measure_run(const std::filesystem::path& directory);

}  // namespace switchyard::sweep
