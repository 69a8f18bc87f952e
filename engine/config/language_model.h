#pragma once

#include "config/keys.h"
#include "config/run_config.h"

/// The language model's part of a run's configuration: one family of models, one pair of files.
namespace switchyard::config {

/// Lists its keys and the tables of its gates and experts.
void describe_language_model(Keys& keys, models::ModelConfig& config);

/// Sets what follows from several of its keys.
void derive_language_model(RunConfig& config);

/// Checks what no key of it can say alone. Throws Error(kInvalidArgument).
void check_language_model(const RunConfig& config);

}  // namespace switchyard::config
