#include <iostream>
#include <string>
#include <unistd.h>
#include <vector>

#include "service/cli/command_line.h"
#include "service/cli/commands.h"

int main(int argc, char** argv) {
  namespace cli = switchyard::service::cli;
  cli::Console console{std::cout, std::cerr, switchyard::service::terminal_of(STDOUT_FILENO),
                       switchyard::service::terminal_of(STDERR_FILENO)};
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  return cli::run_command_line(arguments, cli::make_commands(), console);
}
