#include "cli/command_line.h"

#include <algorithm>
#include <map>

#include <CLI/CLI.hpp>
#include <fmt/ostream.h>

#include "core/nearest_name.h"
#include "run/program.h"

namespace switchyard::cli {
namespace {

constexpr const char* kProgram = "switchyard";

/// Declares a command's options to CLI11, and keeps the kinds of values, which CLI11 does not know.
class Cli11Table : public OptionTable {
 public:
  Cli11Table(CLI::App& app, CommandSummary& summary) : app_(app), summary_(summary) {}

  void positional(const std::string& name, std::string& value, const std::string& help,
                  ValueKind kind, Need need) override {
    add(app_.add_option(name, value, help), kind, need);
  }
  void option(const std::string& names, std::string& value, const std::string& help, ValueKind kind,
              Need need) override {
    CLI::Option* option = app_.add_option(names, value, help);
    option->type_name(kind == ValueKind::kText ? "TEXT"
                                               : (kind == ValueKind::kFile ? "FILE" : "DIR"));
    add(option, kind, need);
  }
  void list(const std::string& names, std::vector<std::string>& values, const std::string& help,
            ValueKind kind) override {
    CLI::Option* option = app_.add_option(names, values, help);
    option->type_size(1);
    option->expected(1, CLI::detail::expected_max_vector_size);
    // One value per option, so that "--set a=1 CONFIG" does not swallow CONFIG.
    option->allow_extra_args(option->get_positional());
    add(option, kind, Need::kOptional);
  }
  void choice(const std::string& names, std::string& value, const std::string& help,
              const std::vector<std::string>& choices, Need need) override {
    CLI::Option* option = app_.add_option(names, value, help);
    option->check(CLI::IsMember(choices));
    option->type_name("");
    add(option, ValueKind::kText, need);
    summary_.options.back().choices = choices;
  }
  void integer(const std::string& names, int64_t& value, const std::string& help) override {
    add(app_.add_option(names, value, help), ValueKind::kText, Need::kOptional);
  }
  void number(const std::string& names, double& value, const std::string& help) override {
    add(app_.add_option(names, value, help), ValueKind::kText, Need::kOptional);
  }
  void flag(const std::string& names, bool& value, const std::string& help) override {
    add(app_.add_flag(names, value, help), ValueKind::kText, Need::kOptional);
    summary_.options.back().takes_value = false;
  }

 private:
  void add(CLI::Option* option, ValueKind kind, Need need) {
    option->required(need == Need::kRequired);
    OptionSummary summary;
    for (const std::string& name : option->get_lnames()) {
      summary.names.push_back(fmt::format("--{}", name));
    }
    for (const std::string& name : option->get_snames()) {
      summary.names.push_back(fmt::format("-{}", name));
    }
    summary.help = option->get_description();
    summary.takes_value = true;
    summary.kind = kind;
    summary_.options.push_back(std::move(summary));
  }

  CLI::App& app_;
  CommandSummary& summary_;
};

/// The program's CLI11 tree and the commands behind it.
class CommandLine {
 public:
  explicit CommandLine(std::vector<std::unique_ptr<Command>> commands)
      : app_("Switchyard trains sparsely-gated mixture-of-experts language models.", kProgram),
        commands_(std::move(commands)) {
    app_.set_version_flag("--version", run::program_version());
    app_.require_subcommand(1);
    app_.footer(
        "`switchyard COMMAND --help` shows examples. Data goes to stdout, messages to stderr.\n"
        "Exit codes: 0 ok, 1 run failed, 2 usage or configuration, 3 not found, 65 damaged,\n"
        "74 I/O, 75 checkpointed (start again to continue), 78 in use, 130 interrupted.");
    summaries_.resize(commands_.size());
    for (size_t i = 0; i < commands_.size(); ++i) {
      add(*commands_[i], summaries_[i]);
    }
  }

  void parse(std::vector<std::string> arguments) {
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the end
    app_.parse(arguments);
  }

  process::ExitCode run(render::Console& console) {
    const CommandContext context{console, is_json_, summaries_};
    return chosen()->run(context);
  }

  /// The command named on the command line, or null.
  [[nodiscard]] Command* chosen() const {
    for (const auto& command : commands_) {
      if (app_.got_subcommand(command->name())) {
        return command.get();
      }
    }
    return nullptr;
  }

  [[nodiscard]] CLI::App& app() { return app_; }

  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& command : commands_) {
      names.push_back(command->name());
    }
    return names;
  }

 private:
  void add(Command& command, CommandSummary& summary) {
    CLI::App* sub = app_.add_subcommand(command.name(), command.summary());
    summary.name = command.name();
    summary.summary = command.summary();
    Cli11Table table(*sub, summary);
    command.declare(table);
    table.flag("--json", is_json_, "write one JSON object per line to stdout");
    sub->footer("Examples:\n" + command.examples());
  }

  CLI::App app_;
  std::vector<std::unique_ptr<Command>> commands_;
  std::vector<CommandSummary> summaries_;
  bool is_json_ = false;
};

void print_failure(render::Console& console, const std::string& who,
                   const process::Failure& failure) {
  fmt::print(console.err, "{}: error: {}\n", who, render::printable(failure.message));
  if (!failure.hint.empty()) {
    fmt::print(console.err, "{}: {}\n", who, failure.hint);
  }
}

int usage_error(CommandLine& line, const std::vector<std::string>& arguments,
                const CLI::ParseError& error, render::Console& console) {
  const Command* command = line.chosen();
  const std::string who =
      command != nullptr ? fmt::format("{} {}", kProgram, command->name()) : kProgram;
  process::Failure failure{process::ExitCode::kUsage, error.what(),
                           fmt::format("`{} --help` shows how to use it", who)};
  const auto names = line.names();
  const bool is_unknown = command == nullptr && !arguments.empty() && arguments[0][0] != '-' &&
                          std::find(names.begin(), names.end(), arguments[0]) == names.end();
  if (is_unknown) {
    failure.message = fmt::format("there is no command '{}'{}", arguments[0],
                                  core::did_you_mean(arguments[0], names));
  }
  print_failure(console, who, failure);
  return static_cast<int>(failure.code);
}

}  // namespace

int run_command_line(const std::vector<std::string>& arguments,
                     std::vector<std::unique_ptr<Command>> commands, render::Console& console) {
  CommandLine line(std::move(commands));
  try {
    line.parse(arguments);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      return line.app().exit(error, console.out, console.err);  // --help, --version
    }
    return usage_error(line, arguments, error, console);
  }
  try {
    const process::ExitCode code = line.run(console);
    console.out.flush();
    return static_cast<int>(console.out.good() ? code : process::ExitCode::kIo);
  } catch (const std::exception& error) {
    const process::Failure failure = process::failure_of(error);
    print_failure(console, fmt::format("{} {}", kProgram, line.chosen()->name()), failure);
    return static_cast<int>(failure.code);
  }
}

}  // namespace switchyard::cli
