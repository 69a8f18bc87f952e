#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "process/exit_code.h"
#include "render/console.h"

namespace switchyard::cli {

/// What an option's value is, for completion.
enum class ValueKind { kText, kFile, kDirectory };

enum class Need { kOptional, kRequired };

/// Where a command declares what it takes; the values are filled in before it runs.
class OptionTable {
 public:
  virtual ~OptionTable() = default;
  /// A value by its place, shown as NAME.
  virtual void positional(const std::string& name, std::string& value, const std::string& help,
                          ValueKind kind, Need need) = 0;
  /// "--name VALUE"; short forms as "-n,--name".
  virtual void option(const std::string& names, std::string& value, const std::string& help,
                      ValueKind kind, Need need) = 0;
  /// May be given several times.
  virtual void list(const std::string& names, std::vector<std::string>& values,
                    const std::string& help, ValueKind kind) = 0;
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

struct CommandSummary {
  std::string name;
  std::string summary;
  std::vector<OptionSummary> options;
};

/// What a command gets when it runs.
struct CommandContext {
  render::Console& console;
  bool is_json = false;
  const std::vector<CommandSummary>& commands;
};

/// One subcommand of `switchyard`. Made, declared and run once.
class Command {
 public:
  virtual ~Command() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  /// One line for the list of commands.
  [[nodiscard]] virtual std::string summary() const = 0;
  /// Command lines that work, one a line.
  [[nodiscard]] virtual std::string examples() const = 0;
  virtual void declare(OptionTable& options) = 0;
  /// Throws core::Error and storage::Error; failure_of() makes exit codes of them.
  virtual process::ExitCode run(const CommandContext& context) = 0;
};

}  // namespace switchyard::cli
