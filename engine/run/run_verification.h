#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace switchyard::run {

/// Something that is wrong in a run directory or a data set.
struct VerifyFinding {
  std::string file;  // relative to what was verified
  std::string code;  // stable: "checkpoint", "data", "config", "log", or one of storage's
  std::string message;
};

/// The result of verify_directory().
struct VerifyReport {
  std::vector<VerifyFinding> findings;  // empty if everything is whole
  std::vector<std::string> checked;     // "run.db", "checkpoints/step-200", ...
  std::vector<std::string> skipped;     // what could not be checked, and why; not damage
};

/// Reads and checks every byte of a run directory or a data set: the checksums of database, log,
/// checkpoints and data set; that the configuration is the recorded one; that steps have no gaps
/// and no checkpoint is ahead of them. Changes nothing. Throws Error(kNotFound) if the directory
/// holds neither.
[[nodiscard]] VerifyReport verify_directory(const std::filesystem::path& directory);

}  // namespace switchyard::run
