// SPDX-License-Identifier: Apache-2.0
// Shared by gates, experts and optimizers: how they are made, how they register tensors, and the
// glue between a C++ class and the C table of functions.
#pragma once

#include <cmath>
#include <memory>
#include <type_traits>

#include <switchyard/call.hpp>
#include <switchyard/component.h>
#include <switchyard/component/live.h>
#include <switchyard/schema.hpp>
#include <switchyard/state.hpp>

namespace sy {

/// A tensor to register, under construction:
/// `Parameter("w", {n, in, out}).per_expert(0).uniform(-b, b)`. f32, zero, no expert dimension
/// unless said.
class Parameter {
 public:
  Parameter(const char* name, std::initializer_list<int64_t> shape) {
    require(shape.size() <= SY_MAX_DIMS, "a parameter has at most ", SY_MAX_DIMS,
            " dimensions, got ", shape.size());
    desc_.struct_size = sizeof(sy_param_desc);
    desc_.name = name;
    desc_.dtype = kF32;
    desc_.ndim = static_cast<int32_t>(shape.size());
    std::copy(shape.begin(), shape.end(), desc_.shape);
    desc_.init = SY_INIT_ZERO;
    desc_.expert_dim = -1;
  }

  /// The dimension that counts experts.
  Parameter& per_expert(int32_t dimension) {
    desc_.expert_dim = dimension;
    return *this;
  }
  /// Adds SY_PF_* flags.
  Parameter& flags(uint32_t more) {
    desc_.flags |= more;
    return *this;
  }
  Parameter& constant(double value) { return init(SY_INIT_CONST, value, 0.0); }
  Parameter& normal(double mean, double deviation) { return init(SY_INIT_NORMAL, mean, deviation); }
  Parameter& uniform(double low, double high) { return init(SY_INIT_UNIFORM, low, high); }
  /// Uniform with mean 0 and variance scale^2 / fan_in; zero where scale is 0.
  Parameter& fan_in(double scale, int64_t inputs) {
    const double bound = scale * std::sqrt(3.0 / static_cast<double>(inputs));
    return bound == 0.0 ? init(SY_INIT_ZERO, 0.0, 0.0) : uniform(-bound, bound);
  }
  [[nodiscard]] const sy_param_desc& get() const noexcept { return desc_; }

 private:
  Parameter& init(uint32_t kind, double a, double b) {
    desc_.init = kind;
    desc_.a = a;
    desc_.b = b;
    return *this;
  }

  sy_param_desc desc_{};
};

/// The setting "init_scale", for Parameter::fan_in().
[[nodiscard]] constexpr Field init_scale_field(double def) noexcept {
  return float_field("init_scale", "Scale of the first weights", def)
      .range(0, 100, 0.1)
      .section("Start")
      .flags(SY_FF_ADVANCED)
      .help("Weights start uniform with variance scale^2 / inputs of their matrix; 0 = at zero.");
}

/// Where build() registers tensors.
class Builder {
 public:
  explicit Builder(const sy_builder& builder) noexcept : builder_(builder) {}

  /// Registers a tensor and returns its handle for Call::param(). [load]
  uint32_t add(const Parameter& parameter) const {
    uint32_t handle = 0;
    HostError error;
    error.check(builder_.param(&builder_, &parameter.get(), &handle, error.get()));
    return handle;
  }

 private:
  const sy_builder& builder_;
};

/// The base of every component. It is made from (const sy_layer_info&, const Config&), or
/// from these and a Log, if it has such a constructor.
///
/// A class with `static void init(const Log& log)` or `static void shutdown()` has them called
/// once, when the plugin is loaded and before it is unloaded. [load]
///
/// A class that keeps something between steps outside of tensors
/// also has
///
///     void save(const StateWriter& out) const;                          // [inst]
///     void load(const StateReader& in, uint32_t saved_state_version);   // [inst]
///
/// and a checkpoint will hold it: of this kStateVersion or an older one when it is loaded. A class
/// with a field flagged SY_FF_LIVE also has
///
///     void reconfigure(const Config& config);                           // [inst]
///
/// which reads those fields again, between two steps; a throw must leave the old values.
class Component {
 public:
  Component() = default;
  virtual ~Component() = default;
  Component(const Component&) = delete;
  Component& operator=(const Component&) = delete;

  /// Registers the tensors. [load]
  virtual void build(const Builder& /*builder*/) {}
};

namespace detail {

/// The object behind a sy_instance*: the author's class and the services it was made with.
template <typename T>
struct Instance {
  Instance(const sy_host& host, const sy_layer_info& layer, const sy_config& config)
      : services(Services::of(host, T::kId)), object(make(host, layer, Config(config))) {}

  static T make(const sy_host& host, const sy_layer_info& layer, const Config& config) {
    if constexpr (std::is_constructible_v<T, const sy_layer_info&, const Config&, Log>) {
      return T(layer, config, Log(host, T::kId));
    } else {
      return T(layer, config);
    }
  }

  Services services;
  T object;
};

template <typename T>
Instance<T>& from(sy_instance* instance) noexcept {
  return *reinterpret_cast<Instance<T>*>(instance);
}

template <typename T>
sy_status create(const sy_component*, const sy_host* host, const sy_layer_info* layer,
                 const sy_config* config, sy_instance** out, sy_error* error) {
  return guard(error, [&] {
    *out = reinterpret_cast<sy_instance*>(new Instance<T>(*host, *layer, *config));
  });
}

template <typename T>
void destroy(sy_instance* instance) {
  delete &from<T>(instance);
}

template <typename T>
sy_status build(sy_instance* instance, const sy_builder* builder, sy_error* error) {
  return guard(error, [&] { from<T>(instance).object.build(Builder(*builder)); });
}

/// T::check(layer, config) where the class has one.
template <typename T>
sy_status check(const sy_component*, const sy_layer_info* layer, const sy_config* config,
                sy_error* error) {
  return guard(error, [&] { T::check(*layer, Config(*config)); });
}

template <typename T>
concept HasCheck =
    requires(const sy_layer_info& layer, const Config& config) { T::check(layer, config); };

template <typename T>
sy_status save(sy_instance* instance, const sy_stream* stream, sy_error* error) {
  return guard(error, [&] { from<T>(instance).object.save(StateWriter(*stream)); });
}

template <typename T>
sy_status load(sy_instance* instance, const sy_stream* stream, uint32_t saved_state_version,
               sy_error* error) {
  return guard(error,
               [&] { from<T>(instance).object.load(StateReader(*stream), saved_state_version); });
}

template <typename T>
concept KeepsState = requires(T& object, const StateWriter& out, const StateReader& in) {
  object.save(out);
  object.load(in, uint32_t{});
};

template <typename T>
sy_status set_live(sy_instance* instance, const sy_config* config, sy_error* error) {
  return guard(error, [&] { from<T>(instance).object.reconfigure(Config(*config)); });
}

template <typename T>
concept IsLive = requires(T& object, const Config& config) { object.reconfigure(config); };

template <typename T>
inline constexpr sy_live kLive{sizeof(sy_live), 0, set_live<T>};

/// The extensions of a class: sy.live/1 if it has reconfigure().
template <typename T>
const void* get_extension(sy_instance*, const char* id) {
  return id && std::strcmp(id, SY_EXT_LIVE) == 0 ? &kLive<T> : nullptr;
}

/// The parts of a sy_component that do not depend on its kind. T names itself: kId, kLabel,
/// kVersion, kSummary, kStateVersion, kCaps and fields().
template <typename T>
constexpr sy_component describe(uint32_t kind, const void* functions) noexcept {
  sy_component c{};
  c.struct_size = sizeof(sy_component);
  c.kind = kind;
  c.id = T::kId;
  c.label = T::kLabel;
  c.version = T::kVersion;
  c.summary = T::kSummary;
  c.state_version = T::kStateVersion;
  c.caps = T::kCaps;
  c.fields = T::fields();
  if constexpr (HasCheck<T>) {
    c.check = check<T>;
  }
  c.create = create<T>;
  c.destroy = destroy<T>;
  c.build = build<T>;
  if constexpr (KeepsState<T>) {
    c.save = save<T>;
    c.load = load<T>;
  }
  if constexpr (IsLive<T>) {
    c.get_extension = get_extension<T>;
  }
  c.impl = functions;
  return c;
}

}  // namespace detail
}  // namespace sy
