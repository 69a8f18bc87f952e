#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/field.h"

namespace switchyard::core {

/// Where a setting comes from.
struct ConfigOrigin {
  enum class Kind { kDefault, kFile, kSet };
  Kind kind = Kind::kDefault;
  std::string source;  // name of the file, or the override as it was given
  int line = 0;        // from 1, of a file
  int column = 0;

  /// "default", "demo.toml:7:1" or "--set train.steps=5".
  [[nodiscard]] std::string text() const;
};

/// A stretch of one line of the file, for the caret line of a message.
struct ConfigSpan {
  int line = 0;
  int column = 0;
  int length = 1;
};

/// One setting or table as it was written.
struct ConfigItem {
  std::string path;  // dotted, with [i] for the entries of a list of tables
  ConfigValue value;
  std::string unsupported;  // not empty: what was given where no ConfigValue fits, "a date"
  ConfigOrigin origin;
  ConfigSpan key_span;
  ConfigSpan value_span;

  [[nodiscard]] bool is_table() const {
    return unsupported.empty() && std::holds_alternative<std::monostate>(value);
  }
  /// The value as the user gave it, for messages.
  [[nodiscard]] std::string given() const {
    return unsupported.empty() ? given_text(value) : unsupported;
  }
};

/// Checks what an item gives for a field.
[[nodiscard]] CheckedValue check(const Field& field, const ConfigItem& item);

/// One mistake and its place.
struct ConfigProblem {
  ConfigOrigin origin;
  ConfigSpan span;  // line 0: the problem has no line
  std::string message;

  /// A problem of an item's key or of its value.
  static ConfigProblem of_key(const ConfigItem& item, std::string message);
  static ConfigProblem of_value(const ConfigItem& item, std::string message);
};

/// A configuration file as it was written, flattened, with overrides applied; not yet checked.
class ConfigDocument {
 public:
  /// Parses TOML. Throws Error(kInvalidArgument) with line, column and the line itself on a syntax
  /// error or if the text is larger than 1 MiB.
  static ConfigDocument parse(const std::string& text, std::string source_name);

  /// Applies "a.b=c": the right side is read as TOML and, failing that, as plain text. Replaces the
  /// key and everything below it. Throws Error(kInvalidArgument) unless there is a key and a "=".
  void set(std::string_view assignment);
  /// The same for a value that is read already: messages name `origin`, a place in another file.
  void set(std::string_view key, ConfigValue value, ConfigOrigin origin);

  [[nodiscard]] const std::vector<ConfigItem>& items() const { return items_; }
  [[nodiscard]] const std::string& source_name() const { return source_name_; }

  /// All problems in the order of the file, each with its line and a caret below; at most 20 are
  /// shown.
  [[nodiscard]] std::string describe(std::vector<ConfigProblem> problems) const;

  /// Throws Error(kInvalidArgument) that describes the problems, if there are any.
  void refuse(const std::vector<ConfigProblem>& problems) const;

 private:
  [[nodiscard]] std::string describe_one(const ConfigProblem& problem) const;

  std::string source_name_;
  std::vector<std::string> lines_;
  std::vector<ConfigItem> items_;
};

/// Reads a whole configuration file. Throws Error(kNotFound) or Error(kIo).
[[nodiscard]] std::string read_config_text(const std::filesystem::path& file);

}  // namespace switchyard::core
