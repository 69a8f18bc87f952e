#pragma once

#include <cstdint>
#include <ostream>

#include "trainer/run_listener.h"

namespace switchyard::run {

/// Writes the lines of `train --json`: one JSON object per logged step, evaluation, checkpoint and
/// event.
class JsonListener : public trainer::RunListener {
 public:
  JsonListener(std::ostream& out, int64_t log_every_steps)
      : out_(out), log_every_steps_(log_every_steps) {}

  void on_step(const trainer::StepReport& report) override;
  void on_evaluation(const trainer::EvaluationReport& report) override;
  void on_checkpoint(const trainer::CheckpointReport& report) override;
  void on_event(int64_t step, core::LogLevel level, std::string_view code,
                std::string_view message) override;

 private:
  std::ostream& out_;
  int64_t log_every_steps_;
};

}  // namespace switchyard::run
