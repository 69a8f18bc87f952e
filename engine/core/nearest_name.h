#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace switchyard::core {

/// The names that `name` may stand for, nearest first, three at most: those that differ by slips (2
/// letters inserted, deleted, replaced or swapped; 1 in a name shorter than 5), and those that it
/// is a part of.
[[nodiscard]] std::vector<std::string> similar_names(std::string_view name,
                                                     const std::vector<std::string>& known);

/// "; did you mean 'train.steps'?" with the nearest name, for the end of a message, or "".
[[nodiscard]] std::string did_you_mean(std::string_view name,
                                       const std::vector<std::string>& known);

}  // namespace switchyard::core
