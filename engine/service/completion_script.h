#pragma once

#include <string>
#include <vector>

#include "service/cli/command.h"

namespace switchyard::service {

/// The completion script of a shell for all commands and their options.
/// Throws Error(kInvalidArgument) unless the shell is bash, zsh or fish.
[[nodiscard]] std::string completion_script(const std::string& shell,
                                            const std::vector<cli::CommandSummary>& commands);

}  // namespace switchyard::service
