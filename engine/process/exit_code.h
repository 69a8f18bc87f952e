#pragma once

#include <exception>
#include <string>

namespace switchyard::process {

/// What a program of ours returns to the shell.
enum class ExitCode : int {
  kOk = 0,
  kRunFailed = 1,
  kUsage = 2,  // the command line or the configuration
  kNotFound = 3,
  kDamaged = 65,
  kIo = 74,            // the disk failed or is full
  kCheckpointed = 75,  // stopped early with a checkpoint: start it again to go on
  kUnsafe = 78,
  kInterrupted = 130,  // a second Ctrl-C
};

/// A failure as the user sees it.
struct Failure {
  ExitCode code = ExitCode::kRunFailed;
  std::string message;
  std::string hint;  // what to do about it; may be empty
};

/// The one place where exceptions become exit codes: core::Error, storage::Error and anything else.
[[nodiscard]] Failure failure_of(const std::exception& error);

}  // namespace switchyard::process
