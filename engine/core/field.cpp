#include "core/field.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "core/nearest_name.h"

namespace switchyard::core {
namespace {

constexpr double kMaxExactInteger = 0x1p53;

bool is_whole(double value) {
  return std::floor(value) == value && std::abs(value) < kMaxExactInteger;
}

std::string number_text(double value) {
  return is_whole(value) ? fmt::format("{}", static_cast<int64_t>(value)) : setting_text(value);
}

/// The name of a type in messages, and the alternative of ConfigValue that holds its values.
struct TypeRow {
  std::string_view phrase;
  size_t alternative;
};

// By FieldType.
constexpr std::array<TypeRow, 7> kTypes = {{{"true or false", 1},
                                            {"a whole number", 2},
                                            {"a number", 3},
                                            {"a text in quotes", 4},
                                            {"a list of whole numbers", 5},
                                            {"a list of numbers", 5},
                                            {"a list of texts", 6}}};

const TypeRow& row_of(FieldType type) {
  return kTypes.at(static_cast<size_t>(type));
}

/// The value as the type asks for it where that is another number or list, else as it is.
ConfigValue converted(FieldType type, const ConfigValue& value) {
  const auto* integer = std::get_if<int64_t>(&value);
  const auto* number = std::get_if<double>(&value);
  const auto* numbers = std::get_if<std::vector<double>>(&value);
  if (type == FieldType::kInteger && number != nullptr && is_whole(*number)) {
    return static_cast<int64_t>(*number);  // 1e6
  }
  if (type == FieldType::kNumber && integer != nullptr) {
    return static_cast<double>(*integer);
  }
  if (type == FieldType::kTextList && numbers != nullptr && numbers->empty()) {
    return std::vector<std::string>{};  // [] is a list of anything
  }
  return value;
}

std::string range_rule(const Field& field) {
  if (std::isinf(field.min)) {
    return fmt::format("must be at most {}", number_text(field.max));
  }
  if (field.above_min) {
    return fmt::format("must be greater than {}", number_text(field.min)) +
           (std::isinf(field.max) ? "" : fmt::format(" and at most {}", number_text(field.max)));
  }
  if (std::isinf(field.max)) {
    return fmt::format("must be at least {}", number_text(field.min));
  }
  return fmt::format("must lie between {} and {}", number_text(field.min), number_text(field.max));
}

/// The rule that the number breaks, or "".
std::string broken_rule(const Field& field, double value) {
  if (!std::isfinite(value)) {
    return "must be a finite number";
  }
  const bool is_high_enough = field.above_min ? value > field.min : value >= field.min;
  return is_high_enough && value <= field.max ? "" : range_rule(field);
}

std::string entry_problem(const Field& field, const std::vector<double>& values,
                          std::string_view name) {
  for (size_t i = 0; i < values.size(); ++i) {
    const bool fits = field.type != FieldType::kIntegerList || is_whole(values[i]);
    const std::string rule = fits ? broken_rule(field, values[i])
                                  : "must be " + std::string(type_phrase(FieldType::kInteger));
    if (!rule.empty()) {
      return fmt::format("'{}[{}]' {}, got {}", name, i, rule, number_text(values[i]));
    }
  }
  return "";
}

std::string choice_problem(const Field& field, const std::vector<std::string>& texts,
                           const ConfigValue& given, std::string_view name) {
  for (const std::string& text : texts) {
    const auto& choices = field.choices;
    if (!choices.empty() && std::find(choices.begin(), choices.end(), text) == choices.end()) {
      return fmt::format("'{}' must be {}{}, got {}{}", name, choices.size() > 1 ? "one of " : "",
                         quoted_list(choices), given_text(given), did_you_mean(text, choices));
    }
  }
  return "";
}

/// `value` is what was `given`, brought to the field's type.
std::string problem_of(const Field& field, const ConfigValue& value, const ConfigValue& given,
                       std::string_view name) {
  if (const auto* numbers = std::get_if<std::vector<double>>(&value)) {
    return entry_problem(field, *numbers, name);
  }
  if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) {
    return choice_problem(field, *texts, given, name);
  }
  if (const auto* text = std::get_if<std::string>(&value)) {
    return choice_problem(field, {*text}, given, name);
  }
  std::string rule;
  if (const auto* integer = std::get_if<int64_t>(&value)) {
    rule = broken_rule(field, static_cast<double>(*integer));
  } else if (const auto* number = std::get_if<double>(&value)) {
    rule = broken_rule(field, *number);
  }
  return rule.empty() ? "" : fmt::format("'{}' {}, got {}", name, rule, given_text(given));
}

}  // namespace

std::string_view type_phrase(FieldType type) {
  return row_of(type).phrase;
}

CheckedValue check(const Field& field, const ConfigValue& value, std::string_view name) {
  ConfigValue result = converted(field.type, value);
  if (result.index() != row_of(field.type).alternative) {
    return wrong_type(field, given_text(value), name);
  }
  std::string problem = problem_of(field, result, value, name);
  if (!problem.empty()) {
    return {field.default_value, std::move(problem)};
  }
  return {std::move(result), ""};
}

CheckedValue wrong_type(const Field& field, std::string_view given, std::string_view name) {
  return {field.default_value,
          fmt::format("'{}' must be {}, got {}", name, type_phrase(field.type), given)};
}

std::string given_text(const ConfigValue& value) {
  if (std::holds_alternative<std::monostate>(value)) {
    return "a table";
  }
  return (std::holds_alternative<std::string>(value) ? "the text " : "") + setting_text(value);
}

std::string quoted_list(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ", ") + setting_text(name);
  }
  return text;
}

}  // namespace switchyard::core
