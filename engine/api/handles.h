#pragma once

#include <memory>

#include "core/cancel.h"
#include "plugin_host/plugin_registry.h"
#include "trainer/trainer.h"

// The objects behind the opaque pointers of <switchyard/engine.h>.

struct sy_engine {
  switchyard::plugin_host::PluginOptions plugin_options;
};

struct sy_trainer {
  /// Remembers the last step for sy_step_report.
  struct LastStep final : switchyard::trainer::RunListener {
    void on_step(const switchyard::trainer::StepReport& step) override { report = step; }
    switchyard::trainer::StepReport report;
  };

  std::unique_ptr<switchyard::plugin_host::PluginRegistry> plugins;
  LastStep last_step;
  switchyard::core::CancelToken cancel;
  int64_t num_steps = 0;
  std::unique_ptr<switchyard::trainer::Trainer> trainer;
};
