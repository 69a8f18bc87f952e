#pragma once

#include <vector>

#include "trainer/run_listener.h"

namespace switchyard::run {

/// Passes every report to several listeners, in order. Does not own them.
class ListenerList : public trainer::RunListener {
 public:
  void add(trainer::RunListener& listener) { listeners_.push_back(&listener); }

  void on_step(const trainer::StepReport& report) override {
    for (trainer::RunListener* listener : listeners_) {
      listener->on_step(report);
    }
  }
  void on_experts(const trainer::ExpertReport& report) override {
    for (trainer::RunListener* listener : listeners_) {
      listener->on_experts(report);
    }
  }
  void on_metric(const trainer::MetricReport& report) override {
    for (trainer::RunListener* listener : listeners_) {
      listener->on_metric(report);
    }
  }
  void on_evaluation(const trainer::EvaluationReport& report) override {
    for (trainer::RunListener* listener : listeners_) {
      listener->on_evaluation(report);
    }
  }
  void before_checkpoint(int64_t step) override {
    for (trainer::RunListener* listener : listeners_) {
      listener->before_checkpoint(step);
    }
  }
  void on_checkpoint(const trainer::CheckpointReport& report) override {
    for (trainer::RunListener* listener : listeners_) {
      listener->on_checkpoint(report);
    }
  }
  void on_event(int64_t step, core::LogLevel level, std::string_view code,
                std::string_view message) override {
    for (trainer::RunListener* listener : listeners_) {
      listener->on_event(step, level, code, message);
    }
  }

 private:
  std::vector<trainer::RunListener*> listeners_;
};

}  // namespace switchyard::run
