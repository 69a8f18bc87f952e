#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace switchyard::plugin_host {

/// The names that look most like `name`, best first, three at most; empty if none is alike.
[[nodiscard]] std::vector<std::string> similar_names(std::string_view name,
                                                     const std::vector<std::string>& known);

/// " (did you mean 'k'?)" with the most alike name, or "".
[[nodiscard]] std::string did_you_mean(std::string_view name,
                                       const std::vector<std::string>& known);

}  // namespace switchyard::plugin_host
