#include "process/exit_code.h"

#include <new>
#include <storage/error.h>

#include "core/error.h"

namespace switchyard::process {
namespace {

Failure core_failure(const core::Error& error) {
  const std::string text = error.what();
  switch (error.code()) {
    case core::ErrorCode::kInvalidArgument:
      return {ExitCode::kUsage, text, ""};
    case core::ErrorCode::kNotFound:
      return {ExitCode::kNotFound, text, ""};
    case core::ErrorCode::kAbi:
      return {ExitCode::kUsage, text,
              "see `switchyard doctor` for the plugins this program can run"};
    case core::ErrorCode::kUnsupported:
      return {ExitCode::kUsage, text, "see `switchyard doctor` for what this machine offers"};
    case core::ErrorCode::kDamaged:
      return {ExitCode::kDamaged, text, "`switchyard verify DIR` lists everything that is damaged"};
    case core::ErrorCode::kIo:
      return {ExitCode::kIo, text, "check free space and permissions, then run the command again"};
    case core::ErrorCode::kState:
      return {ExitCode::kUnsafe, text, ""};
    case core::ErrorCode::kNumeric:
      return {ExitCode::kRunFailed, text,
              "a lower schedule.learning_rate or train.on_nonfinite = \"skip_step\" may help"};
    case core::ErrorCode::kCancelled:
      return {ExitCode::kInterrupted, text, ""};
    case core::ErrorCode::kOutOfMemory:
      return {ExitCode::kRunFailed, text,
              "`switchyard describe` predicts memory; a smaller data.batch_size needs less"};
    default:
      return {ExitCode::kRunFailed, text, ""};
  }
}

Failure storage_failure(const storage::Error& error) {
  const std::string text = error.what();
  switch (error.code()) {
    case storage::ErrorCode::kNotFound:
      return {ExitCode::kNotFound, text, ""};
    case storage::ErrorCode::kDamaged:
      return {ExitCode::kDamaged, text, "`switchyard verify DIR` lists everything that is damaged"};
    case storage::ErrorCode::kIo:
    case storage::ErrorCode::kReadOnly:
      return {ExitCode::kIo, text, "check free space and permissions, then run the command again"};
    case storage::ErrorCode::kTooNew:
      return {ExitCode::kUsage, text, "use the newer program that wrote this run"};
    case storage::ErrorCode::kBusy:
      return {ExitCode::kUnsafe, text, "another process trains this run: wait for it or stop it"};
    case storage::ErrorCode::kInvalid:
      return {ExitCode::kUsage, text, ""};
  }
  return {ExitCode::kRunFailed, text, ""};
}

}  // namespace

Failure failure_of(const std::exception& error) {
  if (const auto* core_error = dynamic_cast<const core::Error*>(&error)) {
    return core_failure(*core_error);
  }
  if (const auto* storage_error = dynamic_cast<const storage::Error*>(&error)) {
    return storage_failure(*storage_error);
  }
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) {
    return {ExitCode::kRunFailed, "out of memory",
            "`switchyard describe` predicts memory; a smaller data.batch_size needs less"};
  }
  return {ExitCode::kRunFailed, error.what(), ""};
}

}  // namespace switchyard::process
