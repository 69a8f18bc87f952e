#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace switchyard::process {

/// The name of the directory of a checkpoint: "step-200".
[[nodiscard]] std::string checkpoint_name(int64_t step);

/// The N of "step-N"; empty unless `name` is exactly what checkpoint_name(N) returns.
[[nodiscard]] std::optional<int64_t> step_of_checkpoint(std::string_view name);

}  // namespace switchyard::process
