#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace switchyard::run {

/// One thing that is wrong in a run directory or a data set.
struct VerifyFinding {
  std::string file;  // relative to what was verified
  std::string code;  // stable: "checkpoint", "data", "config", "log", or one of storage's
  std::string message;
};

struct VerifyReport {
  std::vector<VerifyFinding> findings;  // empty: everything is whole
  std::vector<std::string> checked;     // what was looked at: "run.db", "checkpoints/step-200", ...
  std::vector<std::string> skipped;     // what could not be, and why: no damage
};

/// Reads every byte of a run directory or of a data set and checks it: checksums of the database's
/// blobs and of every checkpoint, of the log and the data set it trains on; that the configuration
/// is the recorded one; that steps have no gaps and no checkpoint is ahead of them. Changes
/// nothing. Throws Error(kNotFound) if the directory holds neither.
[[nodiscard]] VerifyReport verify_directory(const std::filesystem::path& directory);

}  // namespace switchyard::run
