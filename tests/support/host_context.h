#pragma once

#include <functional>
#include <utility>

#include <switchyard/error.hpp>
#include <switchyard/host.h>

/// The context that the test host hands to a component.
struct sy_ctx {
  std::function<void()> on_call;  // runs before every service call; may throw sy::Error
  void* component = nullptr;
};

namespace switchyard::test {

/// Turns a C++ function that throws, `void f(sy_ctx&, arguments...)`, into the C function of a
/// service table.
template <auto F>
struct Service;

template <typename... Arguments, void (*F)(sy_ctx&, Arguments...)>
struct Service<F> {
  static sy_status call(sy_ctx* ctx, Arguments... arguments, sy_error* error) {
    return sy::guard(error, [&] {
      if (ctx->on_call) {
        ctx->on_call();
      }
      F(*ctx, arguments...);
    });
  }
};

}  // namespace switchyard::test
