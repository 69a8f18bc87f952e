// SPDX-License-Identifier: Apache-2.0
// The configuration of a component: how its fields are declared, and how their values are read.
#pragma once

#include <array>
#include <limits>
#include <vector>

#include <switchyard/config.h>
#include <switchyard/error.hpp>

namespace sy {

/// One field under construction. Every function returns the field changed:
/// `int_field("k", "Experts per token", 2).range(1, 64).section("Routing").help("...")`.
class Field {
 public:
  constexpr Field(uint32_t type, const char* key, const char* label) noexcept {
    field_.struct_size = sizeof(sy_field);
    field_.type = type;
    field_.key = key;
    field_.label = label;
    field_.help = "";
    field_.unit = "";
    field_.section = "";
    field_.min = -std::numeric_limits<double>::infinity();
    field_.max = std::numeric_limits<double>::infinity();
    field_.def_str = "";
  }

  [[nodiscard]] constexpr Field help(const char* text) const noexcept {
    Field f = *this;
    f.field_.help = text;
    return f;
  }
  [[nodiscard]] constexpr Field unit(const char* text) const noexcept {
    Field f = *this;
    f.field_.unit = text;
    return f;
  }
  [[nodiscard]] constexpr Field section(const char* text) const noexcept {
    Field f = *this;
    f.field_.section = text;
    return f;
  }
  [[nodiscard]] constexpr Field range(double min, double max, double step = 0.0) const noexcept {
    Field f = *this;
    f.field_.min = min;
    f.field_.max = max;
    f.field_.step = step;
    return f;
  }
  /// "other_key=value": the form shows this field only then.
  [[nodiscard]] constexpr Field enabled_if(const char* condition) const noexcept {
    Field f = *this;
    f.field_.enabled_if = condition;
    return f;
  }
  /// Adds SY_FF_* flags.
  [[nodiscard]] constexpr Field flags(uint32_t more) const noexcept {
    Field f = *this;
    f.field_.flags |= more;
    return f;
  }
  [[nodiscard]] constexpr Field default_number(double value) const noexcept {
    Field f = *this;
    f.field_.def = value;
    return f;
  }
  [[nodiscard]] constexpr Field default_text(const char* value) const noexcept {
    Field f = *this;
    f.field_.def_str = value;
    return f;
  }
  [[nodiscard]] constexpr Field choices(const char* const* null_terminated) const noexcept {
    Field f = *this;
    f.field_.choices = null_terminated;
    return f;
  }
  [[nodiscard]] constexpr const sy_field& get() const noexcept { return field_; }

 private:
  sy_field field_{};
};

[[nodiscard]] constexpr Field bool_field(const char* key, const char* label, bool def) noexcept {
  return Field(SY_T_BOOL, key, label).range(0, 1, 1).default_number(def ? 1.0 : 0.0);
}
[[nodiscard]] constexpr Field int_field(const char* key, const char* label, int64_t def) noexcept {
  return Field(SY_T_INT, key, label).default_number(static_cast<double>(def));
}
[[nodiscard]] constexpr Field float_field(const char* key, const char* label, double def) noexcept {
  return Field(SY_T_FLOAT, key, label).default_number(def);
}
[[nodiscard]] constexpr Field string_field(const char* key, const char* label,
                                           const char* def) noexcept {
  return Field(SY_T_STRING, key, label).default_text(def);
}
/// `choices` is null-terminated and lives as long as the plugin; `def` is one of them.
[[nodiscard]] constexpr Field choice_field(const char* key, const char* label,
                                           const char* const* choices, const char* def) noexcept {
  return Field(SY_T_CHOICE, key, label).choices(choices).default_text(def);
}
/// `def` as "1024, 512".
[[nodiscard]] constexpr Field int_list_field(const char* key, const char* label,
                                             const char* def) noexcept {
  return Field(SY_T_INT_LIST, key, label).default_text(def);
}

/// `def` as "0.5, 0.25".
[[nodiscard]] constexpr Field float_list_field(const char* key, const char* label,
                                               const char* def) noexcept {
  return Field(SY_T_FLOAT_LIST, key, label).default_text(def);
}

/// The fields of a component, in the form the host reads. Declare it `static constexpr` at
/// namespace scope: it points into itself.
template <size_t N>
class Schema {
 public:
  template <typename... Fields>
  constexpr explicit Schema(const Fields&... fields) noexcept : fields_{fields.get()...} {
    for (size_t i = 0; i < N; ++i) {
      pointers_[i] = &fields_[i];
    }
  }
  Schema(const Schema&) = delete;
  Schema& operator=(const Schema&) = delete;

  [[nodiscard]] constexpr const sy_field* const* get() const noexcept { return pointers_.data(); }

 private:
  std::array<sy_field, N> fields_;
  std::array<const sy_field*, N + 1> pointers_{};
};
template <typename... Fields>
Schema(const Fields&...) -> Schema<sizeof...(Fields)>;

/// The values that passed the schema. Valid until create() returns: read what you need into
/// members.
class Config {
 public:
  explicit Config(const sy_config& config) noexcept : config_(config) {}

  [[nodiscard]] int64_t integer(const char* key) const { return config_.i64(&config_, key); }
  [[nodiscard]] bool flag(const char* key) const { return config_.i64(&config_, key) != 0; }
  [[nodiscard]] double number(const char* key) const { return config_.f64(&config_, key); }
  [[nodiscard]] std::string text(const char* key) const { return config_.str(&config_, key); }
  [[nodiscard]] std::vector<double> numbers(const char* key) const {
    const int32_t length = config_.list(&config_, key, nullptr, 0);
    std::vector<double> values(static_cast<size_t>(length));
    config_.list(&config_, key, values.data(), length);
    return values;
  }
  [[nodiscard]] std::vector<int64_t> integers(const char* key) const {
    const std::vector<double> values = numbers(key);
    return {values.begin(), values.end()};
  }

 private:
  const sy_config& config_;
};

}  // namespace sy
