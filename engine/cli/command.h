#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "process/exit_code.h"
#include "render/console.h"

namespace switchyard::cli {

/// The kind of an option's value, for completion.
enum class ValueKind { kText, kFile, kDirectory };

/// Whether an option must be given.
enum class Need { kOptional, kRequired };

/// Where a command declares its options. The values are filled in before the command runs.
class OptionTable {
 public:
  virtual ~OptionTable() = default;
  /// A positional argument, shown as NAME.
  virtual void positional(const std::string& name, std::string& value, const std::string& help,
                          ValueKind kind, Need need) = 0;
  /// An option "--name VALUE"; with a short form as "-n,--name".
  virtual void option(const std::string& names, std::string& value, const std::string& help,
                      ValueKind kind, Need need) = 0;
  /// An option that may be given several times.
  virtual void list(const std::string& names, std::vector<std::string>& values,
                    const std::string& help, ValueKind kind) = 0;
  /// An option with a fixed set of values.
  virtual void choice(const std::string& names, std::string& value, const std::string& help,
                      const std::vector<std::string>& choices, Need need) = 0;
  virtual void integer(const std::string& names, int64_t& value, const std::string& help) = 0;
  virtual void number(const std::string& names, double& value, const std::string& help) = 0;
  virtual void flag(const std::string& names, bool& value, const std::string& help) = 0;
};

/// One option of a command, for completion and documentation.
struct OptionSummary {
  std::vector<std::string> names;  // "--run", "-r"; empty for a positional
  std::string help;
  bool takes_value = false;
  ValueKind kind = ValueKind::kText;
  std::vector<std::string> choices;
};

/// A command and its options, for completion and documentation.
struct CommandSummary {
  std::string name;
  std::string summary;
  std::vector<OptionSummary> options;
};

/// The surroundings in which a command runs.
struct CommandContext {
  render::Console& console;
  bool is_json = false;
  const std::vector<CommandSummary>& commands;
};

/// A subcommand of `switchyard`. Each object is declared and run once.
class Command {
 public:
  virtual ~Command() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  /// One line for the list of commands.
  [[nodiscard]] virtual std::string summary() const = 0;
  /// Working command lines, one per line.
  [[nodiscard]] virtual std::string examples() const = 0;
  virtual void declare(OptionTable& options) = 0;
  /// Throws core::Error and storage::Error, which process::failure_of() converts to exit codes.
  virtual process::ExitCode run(const CommandContext& context) = 0;
};

}  // namespace switchyard::cli
