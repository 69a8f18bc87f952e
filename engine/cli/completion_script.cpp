#include "cli/completion_script.h"

#include <sstream>

#include "core/error.h"

namespace switchyard::cli {
namespace {

std::string joined(const std::vector<std::string>& words, const std::string& between) {
  std::string text;
  for (const std::string& word : words) {
    text += (text.empty() ? "" : between) + word;
  }
  return text;
}

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
      result += std::string("\\") + c;
    } else {
      result += c;
    }
  }
  return result;
}

void add_bash_values(std::ostream& out, const CommandSummary& command) {
  for (const OptionSummary& option : command.options) {
    if (option.names.empty() || !option.takes_value) {
      continue;
    }
    out << "    " << command.name << ":" << joined(option.names, "|" + command.name + ":") << ") ";
    if (!option.choices.empty()) {
      out << "COMPREPLY=($(compgen -W '" << joined(option.choices, " ") << "' -- \"$word\"))";
    } else if (option.kind == ValueKind::kDirectory) {
      out << "COMPREPLY=($(compgen -d -- \"$word\"))";
    } else if (option.kind == ValueKind::kFile) {
      out << "COMPREPLY=($(compgen -f -- \"$word\"))";
    } else {
      out << "COMPREPLY=()";
    }
    out << "; return ;;\n";
  }
}

std::string bash_script(const std::vector<CommandSummary>& commands) {
  std::ostringstream out;
  out << "# bash completion for switchyard: source <(switchyard completion bash)\n"
         "_switchyard() {\n"
         "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
         "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
         "    COMPREPLY=($(compgen -W '"
      << joined(command_names(commands), " ")
      << " --help --version' -- \"$word\"))\n    return\n  fi\n"
         "  case ${COMP_WORDS[1]}:$before in\n";
  for (const CommandSummary& command : commands) {
    add_bash_values(out, command);
  }
  out << "  esac\n  if [[ $word == -* ]]; then\n    case ${COMP_WORDS[1]} in\n";
  for (const CommandSummary& command : commands) {
    std::vector<std::string> names;
    for (const OptionSummary& option : command.options) {
      names.insert(names.end(), option.names.begin(), option.names.end());
    }
    out << "    " << command.name << ") COMPREPLY=($(compgen -W '" << joined(names, " ")
        << " --help' -- \"$word\")) ;;\n";
  }
  out << "    esac\n  else\n    COMPREPLY=($(compgen -f -- \"$word\"))\n  fi\n}\n"
         "complete -o filenames -F _switchyard switchyard\n";
  return out.str();
}

std::string zsh_action(const OptionSummary& option) {
  if (!option.choices.empty()) {
    return ":value:(" + joined(option.choices, " ") + ")";
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

std::string zsh_script(const std::vector<CommandSummary>& commands) {
  std::ostringstream out;
  out << "#compdef switchyard\n"
         "# zsh completion for switchyard: source <(switchyard completion zsh)\n"
         "_switchyard() {\n  if (( CURRENT == 2 )); then\n    local -a commands=(\n";
  for (const CommandSummary& command : commands) {
    out << "      '" << command.name << ":" << escaped(command.summary, ":") << "'\n";
  }
  out << "    )\n    _describe command commands\n    return\n  fi\n"
         "  local command=$words[2]\n  shift words; (( CURRENT-- ))\n  case $command in\n";
  for (const CommandSummary& command : commands) {
    out << "    " << command.name << ") _arguments";
    for (const OptionSummary& option : command.options) {
      const std::string action = option.takes_value ? zsh_action(option) : "";
      for (const std::string& name : option.names) {
        out << " \\\n      '" << name << "[" << escaped(option.help, "[]:") << "]" << action << "'";
      }
      if (option.names.empty()) {
        out << " \\\n      '" << action << "'";
      }
    }
    out << " ;;\n";
  }
  out << "  esac\n}\ncompdef _switchyard switchyard\n";
  return out.str();
}

std::string fish_script(const std::vector<CommandSummary>& commands) {
  std::ostringstream out;
  out << "# fish completion for switchyard: switchyard completion fish | source\n";
  for (const CommandSummary& command : commands) {
    out << "complete -c switchyard -f -n __fish_use_subcommand -a " << command.name << " -d '"
        << escaped(command.summary, "") << "'\n";
  }
  for (const CommandSummary& command : commands) {
    for (const OptionSummary& option : command.options) {
      const std::string head =
          "complete -c switchyard -n '__fish_seen_subcommand_from " + command.name + "'";
      if (option.names.empty()) {
        out << head << (option.kind == ValueKind::kText ? "" : " -F") << "\n";
        continue;
      }
      out << head;
      for (const std::string& name : option.names) {
        out << (name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1));
      }
      out << " -d '" << escaped(option.help, "") << "'";
      if (!option.choices.empty()) {
        out << " -x -a '" << joined(option.choices, " ") << "'";
      } else if (option.takes_value) {
        out << (option.kind == ValueKind::kText ? " -x" : " -r -F");
      }
      out << "\n";
    }
  }
  return out.str();
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
