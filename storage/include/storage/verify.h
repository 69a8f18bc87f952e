#pragma once

#include <filesystem>
#include <storage/error.h>
#include <string>
#include <vector>

namespace switchyard::storage {

/// One thing that is wrong with a run database.
struct Finding {
  std::string code;  // "unreadable", "integrity", "blob_checksum", "tile_checksum", "step_gap",
                     // "checkpoint_ahead"
  std::string message;
};

/// Checks a run's database without changing it: SQLite's own integrity_check; the checksum of every
/// blob and tile, reported by layer and step; that steps have no gaps; and that no checkpoint, in
/// the database or in `checkpoints/step-N`, is ahead of the last recorded step.
///
///   path     run directory or database file
///   returns  what is wrong; empty if nothing is
///
/// While a run goes on, its newest checkpoint can be a moment ahead of the database.
/// Throws Error(kNotFound) if there is no such file; damage is a finding, never an exception.
[[nodiscard]] std::vector<Finding> verify_run(const std::filesystem::path& path);

}  // namespace switchyard::storage
