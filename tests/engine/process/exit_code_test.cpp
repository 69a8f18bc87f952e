#include "process/exit_code.h"

#include <new>
#include <storage/error.h>

#include <gtest/gtest.h>

#include "core/error.h"

namespace switchyard::process {
namespace {

ExitCode code_of(core::ErrorCode code) {
  return failure_of(core::Error(code, "x")).code;
}
ExitCode code_of(storage::ErrorCode code) {
  return failure_of(storage::Error(code, "x")).code;
}

TEST(ExitCodes, FollowTheEnginesErrors) {
  EXPECT_EQ(code_of(core::ErrorCode::kInvalidArgument), ExitCode::kUsage);
  EXPECT_EQ(code_of(core::ErrorCode::kUnsupported), ExitCode::kUsage);
  EXPECT_EQ(code_of(core::ErrorCode::kAbi), ExitCode::kUsage);
  EXPECT_EQ(code_of(core::ErrorCode::kNotFound), ExitCode::kNotFound);
  EXPECT_EQ(code_of(core::ErrorCode::kDamaged), ExitCode::kDamaged);
  EXPECT_EQ(code_of(core::ErrorCode::kIo), ExitCode::kIo);
  EXPECT_EQ(code_of(core::ErrorCode::kState), ExitCode::kUnsafe);
  EXPECT_EQ(code_of(core::ErrorCode::kCancelled), ExitCode::kInterrupted);
  EXPECT_EQ(code_of(core::ErrorCode::kNumeric), ExitCode::kRunFailed);
  EXPECT_EQ(code_of(core::ErrorCode::kInternal), ExitCode::kRunFailed);
}

TEST(ExitCodes, FollowStoragesErrors) {
  EXPECT_EQ(code_of(storage::ErrorCode::kNotFound), ExitCode::kNotFound);
  EXPECT_EQ(code_of(storage::ErrorCode::kDamaged), ExitCode::kDamaged);
  EXPECT_EQ(code_of(storage::ErrorCode::kIo), ExitCode::kIo);
  EXPECT_EQ(code_of(storage::ErrorCode::kReadOnly), ExitCode::kIo);
  EXPECT_EQ(code_of(storage::ErrorCode::kBusy), ExitCode::kUnsafe);
  EXPECT_EQ(code_of(storage::ErrorCode::kTooNew), ExitCode::kUsage);
  EXPECT_EQ(code_of(storage::ErrorCode::kInvalid), ExitCode::kUsage);
}

TEST(ExitCodes, CallAnythingElseAFailedRun) {
  EXPECT_EQ(failure_of(std::runtime_error("boom")).message, "boom");
  EXPECT_EQ(failure_of(std::runtime_error("boom")).code, ExitCode::kRunFailed);
  EXPECT_EQ(failure_of(std::bad_alloc()).message, "out of memory");
}

}  // namespace
}  // namespace switchyard::process
