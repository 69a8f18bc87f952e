#include "cli/completion_script.h"

#include <fmt/format.h>

#include "core/error.h"

namespace switchyard::cli {
namespace {

std::vector<std::string> command_names(const std::vector<CommandSummary>& commands) {
  std::vector<std::string> names;
  for (const CommandSummary& command : commands) {
    names.push_back(command.name);
  }
  return names;
}

/// Escapes text for single quotes in a POSIX shell or fish; the characters of `also` get a
/// backslash.
std::string escaped(const std::string& text, const std::string& also) {
  std::string result;
  for (const char c : text) {
    if (c == '\'') {
      result += "'\\''";
    } else if (also.find(c) != std::string::npos) {
      result += fmt::format("\\{}", c);
    } else {
      result += c;
    }
  }
  return result;
}

/// The arm of a case statement that completes the value of each option that takes one.
std::string bash_values(const CommandSummary& command) {
  std::string arms;
  for (const OptionSummary& option : command.options) {
    if (option.names.empty() || !option.takes_value) {
      continue;
    }
    std::vector<std::string> patterns;
    for (const std::string& name : option.names) {
      patterns.push_back(fmt::format("{}:{}", command.name, name));
    }
    std::string reply = "COMPREPLY=()";
    if (!option.choices.empty()) {
      reply = fmt::format(R"(COMPREPLY=($(compgen -W '{}' -- "$word")))",
                          fmt::join(option.choices, " "));
    } else if (option.kind == ValueKind::kDirectory) {
      reply = R"(COMPREPLY=($(compgen -d -- "$word")))";
    } else if (option.kind == ValueKind::kFile) {
      reply = R"(COMPREPLY=($(compgen -f -- "$word")))";
    }
    arms += fmt::format("    {}) {}; return ;;\n", fmt::join(patterns, "|"), reply);
  }
  return arms;
}

std::string bash_options(const CommandSummary& command) {
  std::vector<std::string> names;
  for (const OptionSummary& option : command.options) {
    names.insert(names.end(), option.names.begin(), option.names.end());
  }
  names.emplace_back("--help");
  return fmt::format("    {}) COMPREPLY=($(compgen -W '{}' -- \"$word\")) ;;\n", command.name,
                     fmt::join(names, " "));
}

constexpr const char* kBashScript =
    R"bash(# bash completion for switchyard: source <(switchyard completion bash)
_switchyard() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '{commands} --help --version' -- "$word"))
    return
  fi
  case ${{COMP_WORDS[1]}}:$before in
{values}  esac
  if [[ $word == -* ]]; then
    case ${{COMP_WORDS[1]}} in
{options}    esac
  else
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}}
complete -o filenames -F _switchyard switchyard
)bash";

std::string bash_script(const std::vector<CommandSummary>& commands) {
  std::string values;
  std::string options;
  for (const CommandSummary& command : commands) {
    values += bash_values(command);
    options += bash_options(command);
  }
  return fmt::format(kBashScript, fmt::arg("commands", fmt::join(command_names(commands), " ")),
                     fmt::arg("values", values), fmt::arg("options", options));
}

std::string zsh_action(const OptionSummary& option) {
  if (!option.choices.empty()) {
    return fmt::format(":value:({})", fmt::join(option.choices, " "));
  }
  switch (option.kind) {
    case ValueKind::kFile:
      return ":file:_files";
    case ValueKind::kDirectory:
      return ":directory:_files -/";
    case ValueKind::kText:
      return ":value:";
  }
  return "";
}

std::string zsh_arguments(const CommandSummary& command) {
  std::string arguments;
  for (const OptionSummary& option : command.options) {
    const std::string action = option.takes_value ? zsh_action(option) : "";
    for (const std::string& name : option.names) {
      arguments += fmt::format(" \\\n      '{}[{}]{}'", name, escaped(option.help, "[]:"), action);
    }
    if (option.names.empty()) {
      arguments += fmt::format(" \\\n      '{}'", action);
    }
  }
  return fmt::format("    {}) _arguments{} ;;\n", command.name, arguments);
}

constexpr const char* kZshScript = R"zsh(#compdef switchyard
# zsh completion for switchyard: source <(switchyard completion zsh)
_switchyard() {{
  if (( CURRENT == 2 )); then
    local -a commands=(
{commands}    )
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words; (( CURRENT-- ))
  case $command in
{arguments}  esac
}}
compdef _switchyard switchyard
)zsh";

std::string zsh_script(const std::vector<CommandSummary>& commands) {
  std::string names;
  std::string arguments;
  for (const CommandSummary& command : commands) {
    names += fmt::format("      '{}:{}'\n", command.name, escaped(command.summary, ":"));
    arguments += zsh_arguments(command);
  }
  return fmt::format(kZshScript, fmt::arg("commands", names), fmt::arg("arguments", arguments));
}

std::string fish_option(const CommandSummary& command, const OptionSummary& option) {
  std::string line =
      fmt::format("complete -c switchyard -n '__fish_seen_subcommand_from {}'", command.name);
  if (option.names.empty()) {
    return fmt::format("{}{}\n", line, option.kind == ValueKind::kText ? "" : " -F");
  }
  for (const std::string& name : option.names) {
    const bool is_long = name.starts_with("--");
    line += fmt::format(" -{} {}", is_long ? 'l' : 's', name.substr(is_long ? 2 : 1));
  }
  line += fmt::format(" -d '{}'", escaped(option.help, ""));
  if (!option.choices.empty()) {
    line += fmt::format(" -x -a '{}'", fmt::join(option.choices, " "));
  } else if (option.takes_value) {
    line += option.kind == ValueKind::kText ? " -x" : " -r -F";
  }
  return line + "\n";
}

std::string fish_script(const std::vector<CommandSummary>& commands) {
  std::string script = "# fish completion for switchyard: switchyard completion fish | source\n";
  for (const CommandSummary& command : commands) {
    script += fmt::format("complete -c switchyard -f -n __fish_use_subcommand -a {} -d '{}'\n",
                          command.name, escaped(command.summary, ""));
  }
  for (const CommandSummary& command : commands) {
    for (const OptionSummary& option : command.options) {
      script += fish_option(command, option);
    }
  }
  return script;
}

}  // namespace

std::string completion_script(const std::string& shell,
                              const std::vector<CommandSummary>& commands) {
  if (shell == "bash") {
    return bash_script(commands);
  }
  if (shell == "zsh") {
    return zsh_script(commands);
  }
  core::require(shell == "fish", "completion: the shell must be bash, zsh or fish, got '{}'",
                shell);
  return fish_script(commands);
}

}  // namespace switchyard::cli
