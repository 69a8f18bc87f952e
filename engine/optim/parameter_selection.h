#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tensor/parameter.h"

namespace switchyard::optim {

/// Some of a model's parameters, by what they are for and by name.
struct ParameterSelection {
  std::vector<tensor::Role> roles;  // one of these; empty = any
  std::string match;                // a pattern of the whole name; empty = any

  [[nodiscard]] bool selects(const tensor::Parameter& parameter) const;
  /// "role expert or gate, name 'layers.1.*'", for messages.
  [[nodiscard]] std::string text() const;
};

/// Whether the pattern fits the whole name. `*` stands for any characters, dots and none included,
/// `?` for one; everything else for itself.
[[nodiscard]] bool matches(std::string_view pattern, std::string_view name);

}  // namespace switchyard::optim
