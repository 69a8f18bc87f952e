#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "trainer/run_listener.h"

namespace switchyard::storage {
class RunWriter;
}

namespace switchyard::run {

/// Records the reports of a trainer in the run's database. No other place turns reports into rows.
/// Threads: [inst].
class StorageListener : public trainer::RunListener {
 public:
  /// Keeps the metrics of every `log_every_steps`-th step, and the time of every step.
  StorageListener(storage::RunWriter& writer, int64_t log_every_steps);

  void on_step(const trainer::StepReport& report) override;
  void on_experts(const trainer::ExpertReport& report) override;
  void on_metric(const trainer::MetricReport& report) override;
  void on_evaluation(const trainer::EvaluationReport& report) override;
  void before_checkpoint(int64_t step) override;
  void on_checkpoint(const trainer::CheckpointReport& report) override;
  void on_event(int64_t step, core::LogLevel level, std::string_view code,
                std::string_view message) override;

 private:
  storage::RunWriter& writer_;
  int64_t log_every_steps_;
  int64_t words_ = 0;  // since the last logged step
  double seconds_ = 0.0;
  std::set<std::string, std::less<>> layers_;
};

}  // namespace switchyard::run
