#pragma once

#include <stdexcept>
#include <string>

namespace switchyard::storage {

enum class ErrorCode {
  kNotFound,  // no such run, metric, layer or step
  kDamaged,   // the bytes on disk are not what was written
  kIo,        // the disk failed or is full
  kReadOnly,  // the directory or file may not be written
  kTooNew,    // written by a newer Switchyard: may be read, not written
  kBusy,      // another process writes this run
  kInvalid,   // the caller asked for something that cannot be
};

/// The one exception of storage/.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  [[nodiscard]] ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace switchyard::storage
