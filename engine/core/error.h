#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

#include <fmt/core.h>

namespace switchyard::core {

/// The kind of an error, as something a caller can act on. The values are those of sy_status.
enum class ErrorCode : int32_t {
  kInvalidArgument = 1,
  kUnsupported = 2,
  kOutOfMemory = 3,
  kNotFound = 4,
  kState = 5,
  kNumeric = 6,
  kDevice = 7,
  kIo = 8,
  kCancelled = 9,
  kAbi = 10,
  kException = 11,
  kInternal = 12,
  kPeer = 13,
  kDamaged = 14,
};

/// The exception type of the engine.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}

  [[nodiscard]] ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

/// Throws Error(code) with the formatted message. Formats with fmt; the format string is checked
/// when the caller is compiled.
template <typename... Args>
[[noreturn]] void fail(ErrorCode code, fmt::format_string<Args...> message, Args&&... args) {
  throw Error(code, fmt::vformat(message, fmt::make_format_args(args...)));
}

/// Throws Error(kInvalidArgument) with the formatted message unless `ok`.
/// Messages have the form "function: rule, got value".
template <typename... Args>
void require(bool ok, fmt::format_string<Args...> message, Args&&... args) {
  if (!ok) {
    fail(ErrorCode::kInvalidArgument, message, std::forward<Args>(args)...);
  }
}

}  // namespace switchyard::core
