#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace switchyard::ops::generic {

template <auto kLast, typename Body, size_t... kIndices>
[[gnu::always_inline]] inline void call_with_constant(decltype(kLast) wanted, const Body& body,
                                                      std::index_sequence<kIndices...>) {
  using Value = decltype(kLast);
  (void)((wanted == static_cast<Value>(kIndices) &&
          (body(std::integral_constant<Value, static_cast<Value>(kIndices)>()), true)) ||
         ...);
}

/// Calls body(std::integral_constant<...>) with `wanted`, one of 0 ... kLast, as a constant, so
/// that each value gets its own loop. Everything is inlined into the caller if `body` is.
template <auto kLast, typename Body>
[[gnu::always_inline]] inline void call_with_constant(decltype(kLast) wanted, const Body& body) {
  call_with_constant<kLast>(wanted, body,
                            std::make_index_sequence<static_cast<size_t>(kLast) + 1>());
}

}  // namespace switchyard::ops::generic
