#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"
#include "trainer/trainer_config.h"

namespace switchyard::config {

/// Whether a configuration must say where its text is; a model can be described without.
enum class DataPath { kRequired, kOptional };

/// Everything that a run's configuration file may hold, with defaults; see run_keys.h.
[[nodiscard]] core::ConfigSchema run_schema(DataPath data_path = DataPath::kRequired);

/// A checked configuration and what the engine makes of it.
struct RunConfig {
  core::Config settings;
  trainer::TrainerConfig trainer;               // its number of words may be 0: the text decides
  std::string name;                             // "" = the name of the run directory
  std::vector<std::string> plugin_directories;  // searched before the program's own
};

/// Whether a key was left to the program.
[[nodiscard]] bool is_auto(const RunConfig& config, std::string_view key);

/// Reads a configuration file with overrides "a.b=c". Throws Error(kInvalidArgument) that names
/// every problem, Error(kNotFound) if there is no such file.
[[nodiscard]] RunConfig load_run_config(const std::filesystem::path& file,
                                        const std::vector<std::string>& overrides,
                                        DataPath data_path = DataPath::kRequired);
[[nodiscard]] RunConfig parse_run_config(const std::string& text, std::string source_name,
                                         const std::vector<std::string>& overrides,
                                         DataPath data_path = DataPath::kRequired);

/// The same for a document that was put together from several places.
[[nodiscard]] RunConfig check_run_config(const core::ConfigDocument& document,
                                         DataPath data_path = DataPath::kRequired);

/// The configuration with every setting whose meaning depends on where a run starts replaced by
/// what it means here: relative paths and train.compute = "auto". The run goes on from any working
/// directory and on any machine as it began.
[[nodiscard]] RunConfig settled(RunConfig config);

/// The settings in which `next` differs from `before`, but for those that a resumed run may change
/// (how long, how often, how fast; not what is trained on what).
[[nodiscard]] std::vector<std::string> structural_changes(const core::Config& before,
                                                          const core::Config& next);

}  // namespace switchyard::config
