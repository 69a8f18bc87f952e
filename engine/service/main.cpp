#include <iostream>
#include <string>
#include <unistd.h>
#include <vector>

#include "service/cli/command_line.h"
#include "service/cli/commands.h"

int main(int argc, char** argv) {
  using namespace switchyard::service;
  cli::Console console{std::cout, std::cerr, terminal_of(STDOUT_FILENO),
                       terminal_of(STDERR_FILENO)};
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  return cli::run_command_line(arguments, cli::make_commands(), console);
}
