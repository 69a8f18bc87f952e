#pragma once

#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "core/config_value.h"

namespace switchyard::core {

enum class FieldType { kBool, kInteger, kNumber, kText, kIntegerList, kNumberList, kTextList };

/// "a whole number", for messages.
[[nodiscard]] std::string_view type_phrase(FieldType type);

/// One setting that may be given: of a run, of a plugin, or of a sweep.
struct Field {
  std::string name;  // "train.steps"; in the table of a component "count"
  FieldType type = FieldType::kText;
  ConfigValue default_value;
  std::string help;
  double min = -std::numeric_limits<double>::infinity();  // of a number and each entry of a list
  double max = std::numeric_limits<double>::infinity();   // both inclusive
  std::vector<std::string> choices = {};  // of texts and of each entry of a list; empty = any
  bool required = false;                  // must be given; the default only shows the type
  bool above_min = false;                 // `min` itself is excluded
};

/// A value that was checked against a field.
struct CheckedValue {
  ConfigValue value;    // of the field's type; the default where there is a problem
  std::string problem;  // "'train.steps' must be a whole number, got 2.5"; "" = none
};

/// Brings a value to the field's type and checks range and choices. A whole number is a number, and
/// 1e6 a whole number. `name` stands for the field in the message: "model.moe.experts[0].count".
[[nodiscard]] CheckedValue check(const Field& field, const ConfigValue& value,
                                 std::string_view name);

/// The problem of a value that no ConfigValue can hold: `given` says what it is, "a date or time".
[[nodiscard]] CheckedValue wrong_type(const Field& field, std::string_view given,
                                      std::string_view name);

/// A value as messages repeat it: "the text \"many\"", "2.5", "a table".
[[nodiscard]] std::string given_text(const ConfigValue& value);

/// "a", "b", "c": each in quotes.
[[nodiscard]] std::string quoted_list(const std::vector<std::string>& names);

}  // namespace switchyard::core
