#pragma once

#include <exception>
#include <new>

#include <switchyard/status.h>

#include "core/error.h"

namespace switchyard::api {

/// Copies as much of `message` as fits into the caller's buffer. Does not allocate.
void fill(sy_error* error, const char* message) noexcept;

/// Converts exceptions to status codes. Every function of the C API that can fail consists of
/// `return guard(error, [&] { ... });`.
template <typename Body>
[[nodiscard]] sy_status guard(sy_error* error, const Body& body) noexcept {
  try {
    body();
    return SY_OK;
  } catch (const core::Error& e) {
    fill(error, e.what());
    return static_cast<sy_status>(e.code());
  } catch (const std::bad_alloc&) {
    fill(error, "out of host memory");
    return SY_E_NOMEM;
  } catch (const std::exception& e) {
    fill(error, e.what());
    return SY_E_EXCEPTION;
  } catch (...) {
    fill(error, "an exception of unknown type");
    return SY_E_EXCEPTION;
  }
}

}  // namespace switchyard::api
