#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tensor/parameter.h"

namespace switchyard::optim {

/// Selects some of a model's parameters by role and name.
struct ParameterSelection {
  std::vector<tensor::Role> roles;  // one of these; empty = any
  std::string match;                // a pattern of the whole name; empty = any

  [[nodiscard]] bool selects(const tensor::Parameter& parameter) const;
  /// "role expert or gate, name 'layers.1.*'", for messages.
  [[nodiscard]] std::string text() const;
};

/// Whether the pattern matches the whole name. `*` matches any number of characters, dots included,
/// and `?` exactly one; every other character matches itself.
[[nodiscard]] bool matches(std::string_view pattern, std::string_view name);

}  // namespace switchyard::optim
