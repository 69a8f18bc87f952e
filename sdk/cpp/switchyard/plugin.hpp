// SPDX-License-Identifier: Apache-2.0
// SY_PLUGIN: the one exported symbol, the table and the stamp, all made from the same list of
// classes, so that what the file says about itself is what it holds.
#pragma once

#include <switchyard/expert.hpp>
#include <switchyard/gate.hpp>
#include <switchyard/optimizer.hpp>
#include <switchyard/plugin.h>

namespace sy::detail {

template <typename T>
constexpr const sy_component* component_of() noexcept {
  static_assert(
      T::kKind == SY_KIND_GATE || T::kKind == SY_KIND_EXPERT || T::kKind == SY_KIND_OPTIMIZER,
      "derive from sy::Gate, sy::Expert or sy::Optimizer");
  if constexpr (T::kKind == SY_KIND_GATE) {
    return &GateGlue<T>::kComponent;
  } else if constexpr (T::kKind == SY_KIND_EXPERT) {
    return &ExpertGlue<T>::kComponent;
  } else {
    return &OptimizerGlue<T>::kComponent;
  }
}

template <typename... Components>
inline constexpr uint32_t kKinds = ((1u << Components::kKind) | ...);

template <typename... Components>
inline constexpr uint32_t kAllCaps = (Components::kCaps | ...);

template <typename... Components>
inline constexpr const sy_component* kTable[] = {component_of<Components>()..., nullptr};

template <typename T>
concept HasInit = requires(const Log& log) { T::init(log); };
template <typename T>
concept HasShutdown = requires { T::shutdown(); };

template <typename T>
void shut_down_one() noexcept {
  if constexpr (HasShutdown<T>) {
    T::shutdown();
  }
}

/// In the order opposite to that of init().
template <typename... Components>
void shut_down() {
  using Function = void (*)() noexcept;
  constexpr Function kFunctions[] = {shut_down_one<Components>...};
  for (size_t i = sizeof...(Components); i-- > 0;) {
    kFunctions[i]();
  }
}

template <typename T>
void init_one(const sy_host& host) {
  if constexpr (HasInit<T>) {
    T::init(Log(host, T::kId));
  }
}

/// init() of every class that has one, in order. If one throws, those before it are shut down.
template <typename... Components>
sy_status init(const sy_host* host, sy_error* error) {
  using Init = void (*)(const sy_host&);
  using ShutDown = void (*)() noexcept;
  constexpr Init kInits[] = {init_one<Components>...};
  constexpr ShutDown kShutDowns[] = {shut_down_one<Components>...};
  size_t done = 0;
  const sy_status status = guard(error, [&] {
    for (; done < sizeof...(Components); ++done) {
      kInits[done](*host);
    }
  });
  while (status != SY_OK && done > 0) {
    kShutDowns[--done]();
  }
  return status;
}

using InitFunction = sy_status (*)(const sy_host*, sy_error*);
using ShutDownFunction = void (*)();

template <typename... Components>
inline constexpr InitFunction kInit =
    (HasInit<Components> || ...) ? InitFunction{&init<Components...>} : nullptr;

template <typename... Components>
inline constexpr ShutDownFunction kShutDown =
    (HasShutdown<Components> || ...) ? ShutDownFunction{&shut_down<Components...>} : nullptr;

/// The entry's answer: the plugin, or why this host cannot have it.
inline sy_status enter(const sy_host* host, const sy_plugin& plugin, const sy_plugin** out,
                       sy_error* error) noexcept {
  return guard(error, [&] {
    require(host && out, plugin.id,
            ": the entry needs a host and a place for its answer, got null");
    if (host->abi_major != SY_ABI_MAJOR || host->abi_minor != SY_ABI_MINOR) {
      fail(SY_E_ABI, plugin.id, " ", plugin.version, " speaks plugin ABI ", SY_ABI_MAJOR, ".",
           SY_ABI_MINOR, ", this engine ", host->abi_major, ".", host->abi_minor,
           ": build the plugin with the engine's own SDK");
    }
    *out = &plugin;
  });
}

}  // namespace sy::detail

/// The CUDA architectures of the plugin's own device code, "90 100"; switchyard_add_plugin() sets
/// it.
#ifndef SY_CUDA_ARCHS
#define SY_CUDA_ARCHS ""
#endif

/// Once per plugin, at namespace scope, after the classes:
/// `SY_PLUGIN("org.me.gates", "1.0.0", "Me", "MIT", "https://me.example", MyGate, MyOtherGate)`.
#define SY_PLUGIN(ID, VERSION, VENDOR, LICENSE, URL, ...)                                         \
  SY_STAMP(ID, VERSION, VENDOR, (::sy::detail::kKinds<__VA_ARGS__>),                              \
           (::sy::detail::kAllCaps<__VA_ARGS__>), SY_CUDA_ARCHS);                                 \
  SY_C_LINKAGE SY_EXPORT sy_status sy_plugin_entry_v1(const sy_host* host, const sy_plugin** out, \
                                                      sy_error* error) {                          \
    static constexpr sy_plugin kPlugin{sizeof(sy_plugin),                                         \
                                       SY_ABI_MAJOR,                                              \
                                       SY_ABI_MINOR,                                              \
                                       ID,                                                        \
                                       VERSION,                                                   \
                                       VENDOR,                                                    \
                                       LICENSE,                                                   \
                                       URL,                                                       \
                                       ::sy::detail::kTable<__VA_ARGS__>,                         \
                                       ::sy::detail::kInit<__VA_ARGS__>,                          \
                                       ::sy::detail::kShutDown<__VA_ARGS__>,                      \
                                       nullptr,                                                   \
                                       0,                                                         \
                                       0};                                                        \
    return ::sy::detail::enter(host, kPlugin, out, error);                                        \
  }                                                                                               \
  static_assert(sizeof(ID) <= sizeof(sy_stamp::id), "the plugin's id is too long")
