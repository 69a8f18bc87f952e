#pragma once

#include <cstdint>
#include <sstream>
#include <stdexcept>
#include <string>

namespace switchyard::core {

/// What went wrong, as something a caller can act on. The values are those of sy_status.
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

/// The one exception type of the engine.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}

  [[nodiscard]] ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

/// Joins the parts as one text.
template <typename... Parts>
[[nodiscard]] std::string join(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}

/// Throws Error(code) with the parts joined as its message.
template <typename... Parts>
[[noreturn]] void fail(ErrorCode code, const Parts&... parts) {
  throw Error(code, join(parts...));
}

/// Throws Error(kInvalidArgument) with the parts joined as its message, unless `ok`.
/// Write the message as "function: what must hold, got what was given".
template <typename... Parts>
void require(bool ok, const Parts&... parts) {
  if (!ok) {
    fail(ErrorCode::kInvalidArgument, parts...);
  }
}

}  // namespace switchyard::core
