#include <iostream>
#include <string>
#include <unistd.h>
#include <vector>

#include "cli/command_line.h"
#include "cli/commands.h"

int main(int argc, char** argv) {
  namespace cli = switchyard::cli;
  namespace render = switchyard::render;
  render::Console console{std::cout, std::cerr, render::terminal_of(STDOUT_FILENO),
                          render::terminal_of(STDERR_FILENO)};
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  return cli::run_command_line(arguments, cli::make_commands(), console);
}
