#pragma once

#include <string>
#include <vector>

#include "cli/command.h"

namespace switchyard::cli {

/// Makes the completion script of a shell for all commands and their options.
/// Throws Error(kInvalidArgument) unless the shell is bash, zsh or fish.
[[nodiscard]] std::string completion_script(const std::string& shell,
                                            const std::vector<CommandSummary>& commands);

}  // namespace switchyard::cli
