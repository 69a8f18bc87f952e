#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <ostream>
#include <string>

#include "core/clock.h"
#include "render/terminal.h"
#include "run/progress_line.h"
#include "run/step_clock.h"
#include "trainer/run_listener.h"

namespace switchyard::run {

/// Shows the progress of a run: on a terminal, a line redrawn in place at most ten times a second;
/// elsewhere, a plain line every ten seconds. Evaluations, checkpoints and warnings get their own
/// lines. Threads: say() [any], the rest [inst].
class Progress : public trainer::RunListener {
 public:
  /// The extent of the run, and the terminal to show it on.
  struct Options {
    int64_t total_steps = 0;
    render::Terminal terminal;
    std::function<int()> width;  // called at every redraw, because windows are resized
  };

  Progress(std::ostream& out, const core::Clock& clock, Options options);
  /// Leaves the cursor on a fresh line.
  ~Progress() override;
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Writes a line above the bar.
  void say(const std::string& text);
  /// Draws the final state.
  void finish();

  void on_step(const trainer::StepReport& report) override;
  void on_experts(const trainer::ExpertReport& report) override;
  void on_evaluation(const trainer::EvaluationReport& report) override;
  void on_checkpoint(const trainer::CheckpointReport& report) override;
  void on_event(int64_t step, core::LogLevel level, std::string_view code,
                std::string_view message) override;

 private:
  void update(const trainer::StepReport& report);
  void draw_if_due();
  void draw();
  void clear_bar();

  std::ostream& out_;
  const core::Clock& clock_;
  Options options_;
  std::mutex mutex_;
  ProgressState state_;
  StepClock step_clock_;
  std::map<std::string, double, std::less<>> max_over_mean_;  // by layer
  int64_t checkpoint_ns_ = -1;
  int64_t drawn_ns_ = -1;
  bool bar_is_shown_ = false;
  bool is_stale_ = false;  // something changed since the last line
};

}  // namespace switchyard::run
