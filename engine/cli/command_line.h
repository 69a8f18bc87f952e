#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"

namespace switchyard::cli {

/// Parses a command line (without the program's name), runs its command and returns the exit code.
/// Prints errors on `console.err`, with a hint where there is one; throws nothing.
[[nodiscard]] int run_command_line(const std::vector<std::string>& arguments,
                                   std::vector<std::unique_ptr<Command>> commands,
                                   render::Console& console);

}  // namespace switchyard::cli
