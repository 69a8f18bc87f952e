#pragma once

#include <storage/error.h>

#include <fmt/core.h>

namespace switchyard::storage {

/// Throws Error(code) with the formatted message.
template <typename... Args>
[[noreturn]] void fail(ErrorCode code, fmt::format_string<Args...> message, Args&&... args) {
  throw Error(code, fmt::vformat(message, fmt::make_format_args(args...)));
}

}  // namespace switchyard::storage
