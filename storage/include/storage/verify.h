#pragma once

#include <filesystem>
#include <storage/error.h>
#include <string>
#include <vector>

namespace switchyard::storage {

struct Finding {
  std::string code;  // "unreadable", "integrity", "blob_checksum", "tile_checksum", "step_gap",
                     // "checkpoint_ahead"
  std::string message;
};

/// Checks a run's database without changing it: SQLite's own integrity_check, the checksum of every
/// blob and tile (named by layer and step), steps without gaps, and no checkpoint (in the database
/// or in the directory's `checkpoints/step-N`) ahead of the last recorded step.
///
///   path     run directory or database file
///   returns  empty when all is well
///
/// While a run goes on its newest checkpoint may be a moment ahead of the database.
/// Throws Error(kNotFound) when there is no such file; damage is a finding, never an exception.
[[nodiscard]] std::vector<Finding> verify_run(const std::filesystem::path& path);

}  // namespace switchyard::storage
