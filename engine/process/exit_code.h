#pragma once

#include <exception>
#include <string>

namespace switchyard::process {

/// The exit codes of our programs.
enum class ExitCode : int {
  kOk = 0,
  kRunFailed = 1,
  kUsage = 2,  // wrong command line or configuration
  kNotFound = 3,
  kDamaged = 65,
  kIo = 74,            // the disk failed or is full
  kCheckpointed = 75,  // stopped early with a checkpoint; start it again to continue
  kUnsafe = 78,        // another process is using the directory
  kInterrupted = 130,  // a second Ctrl-C
};

/// A failure as the user sees it.
struct Failure {
  ExitCode code = ExitCode::kRunFailed;
  std::string message;
  std::string hint;  // how to mend it; may be empty
};

/// Converts an exception to an exit code: core::Error, storage::Error or any other. No other place
/// does.
[[nodiscard]] Failure failure_of(const std::exception& error);

}  // namespace switchyard::process
