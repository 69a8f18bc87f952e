#pragma once

#include <array>
#include <exception>
#include <new>
#include <string>
#include <string_view>

#include <switchyard/status.h>

#include "core/error.h"

namespace switchyard::plugin_host {

/// Writes `text` into the caller's buffer, cut between UTF-8 characters where it is full. Does
/// nothing without a buffer.
void write_error(sy_error* error, std::string_view text) noexcept;

/// "invalid", "unsupported", ... as messages name a status.
[[nodiscard]] std::string_view name_of_status(sy_status status);

/// The engine's code of a status; a number that the contract does not know is kInternal.
[[nodiscard]] core::ErrorCode code_of_status(sy_status status);

/// Runs `body` for a caller across the C border, a plugin or an embedder: an exception becomes a
/// status and a text. Every C function of the engine that can fail is one guard().
template <typename Body>
[[nodiscard]] sy_status guard(sy_error* error, Body&& body) noexcept {
  try {
    body();
    return SY_OK;
  } catch (const core::Error& caught) {
    write_error(error, caught.what());
    return static_cast<sy_status>(caught.code());
  } catch (const std::bad_alloc&) {
    write_error(error, "out of memory");
    return SY_E_NOMEM;
  } catch (const std::exception& caught) {
    write_error(error, caught.what());
    return SY_E_EXCEPTION;
  } catch (...) {
    write_error(error, "an exception of unknown type");
    return SY_E_EXCEPTION;
  }
}

/// A buffer for the other side's message, and the call that fills it.
class Complaint {
 public:
  Complaint() { text_[0] = '\0'; }
  Complaint(const Complaint&) = delete;
  Complaint& operator=(const Complaint&) = delete;

  [[nodiscard]] sy_error* error() { return &error_; }
  [[nodiscard]] std::string text() const;

  /// Calls function(arguments..., error()) of a plugin. What it throws against the rules is caught
  /// here and reported as SY_E_EXCEPTION.
  template <typename Function, typename... Arguments>
  [[nodiscard]] sy_status call(Function function, Arguments... arguments) {
    try {
      return function(arguments..., &error_);
    } catch (const std::exception& caught) {
      write_error(&error_, std::string("it threw: ") + caught.what());
    } catch (...) {
      write_error(&error_, "it threw an exception of unknown type");
    }
    return SY_E_EXCEPTION;
  }

 private:
  std::array<char, 1024> text_;
  sy_error error_{sizeof(sy_error), 1024, text_.data()};
};

}  // namespace switchyard::plugin_host
