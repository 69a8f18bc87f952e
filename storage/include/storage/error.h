#pragma once

#include <stdexcept>
#include <string>

namespace switchyard::storage {

/// The reason for an Error, as something a caller can act on.
enum class ErrorCode {
  kNotFound,  // no such run, metric, layer or step
  kDamaged,   // the bytes on disk are not those that were written
  kIo,        // the disk failed or is full
  kReadOnly,  // the directory or file cannot be written
  kTooNew,    // written by a newer Switchyard: readable, but not writable
  kBusy,      // another process writes this run
  kInvalid,   // invalid argument
};

/// The only exception type of storage/.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  [[nodiscard]] ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace switchyard::storage
