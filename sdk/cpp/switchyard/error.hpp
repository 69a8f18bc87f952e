// SPDX-License-Identifier: Apache-2.0
// How a plugin written in C++ fails: it throws, and the border turns that into a status and a text.
#pragma once

#include <cstring>
#include <exception>
#include <new>
#include <sstream>
#include <string>
#include <string_view>

#include <switchyard/status.h>

namespace sy {

/// A failure with the status that the host is to see. Thrown and caught inside one plugin only.
class Error : public std::exception {
 public:
  Error(sy_status code, std::string text) : code_(code), text_(std::move(text)) {}

  [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }
  [[nodiscard]] sy_status code() const noexcept { return code_; }

 private:
  sy_status code_;
  std::string text_;
};

/// The parts as one text, each as `<<` writes it.
template <typename... Parts>
[[nodiscard]] std::string join(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}

/// Throws Error(code) with the parts joined as its message.
template <typename... Parts>
[[noreturn]] void fail(sy_status code, const Parts&... parts) {
  throw Error(code, join(parts...));
}

/// Throws Error(SY_E_INVALID) with the parts joined as its message, unless `ok`. Write the message
/// as "what must hold, what was given, how to mend it".
template <typename... Parts>
void require(bool ok, const Parts&... parts) {
  if (!ok) {
    fail(SY_E_INVALID, parts...);
  }
}

/// Copies `text` into the caller's buffer, cut between UTF-8 characters where the buffer is full.
/// `error` may be null.
inline void write_message(sy_error* error, std::string_view text) noexcept {
  if (!error || !error->text || error->cap == 0) {
    return;
  }
  const size_t room = error->cap - 1;
  size_t length = text.size() < room ? text.size() : room;
  // A byte 10xxxxxx continues a character: step back to where that character begins.
  while (length > 0 && length < text.size() &&
         (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U) {
    --length;
  }
  std::memcpy(error->text, text.data(), length);
  error->text[length] = '\0';
}

/// Runs body() and turns whatever it throws into a status and a message: nothing passes the border.
template <typename Body>
sy_status guard(sy_error* error, Body&& body) noexcept {
  try {
    body();
    return SY_OK;
  } catch (const Error& e) {
    write_message(error, e.what());
    return e.code();
  } catch (const std::bad_alloc&) {
    write_message(error, "out of host memory");
    return SY_E_NOMEM;
  } catch (const std::exception& e) {
    write_message(error, e.what());
    return SY_E_EXCEPTION;
  } catch (...) {
    write_message(error, "an exception that is not a std::exception");
    return SY_E_EXCEPTION;
  }
}

/// A buffer for the host's message. Use one per call to the host, or one after another:
/// `HostError e; e.check(table->function(..., e.get()));`
class HostError {
 public:
  HostError() noexcept { text_[0] = '\0'; }
  HostError(const HostError&) = delete;
  HostError& operator=(const HostError&) = delete;

  [[nodiscard]] sy_error* get() noexcept { return &error_; }

  /// Throws Error with the host's own status and text unless the status is SY_OK.
  void check(sy_status status) const {
    if (status != SY_OK) {
      throw Error(status, text_);
    }
  }

 private:
  char text_[512];  // only the first byte is cleared: this is made for every call to the host
  sy_error error_{sizeof(sy_error), sizeof(text_), text_};
};

}  // namespace sy
