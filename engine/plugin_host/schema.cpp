#include "plugin_host/schema.h"

#include <charconv>
#include <cmath>
#include <set>

#include "core/error.h"
#include "plugin_host/name_list.h"
#include "plugin_host/nearest_name.h"
#include "plugin_host/plugin_table.h"

namespace switchyard::plugin_host {

namespace {

using core::ConfigValue;
using core::fail;
using core::require;

std::string number_text(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return {text, end};
}

// What a value is, in the words of FieldType.
std::string_view type_text(const ConfigValue& value) {
  static constexpr std::string_view kNames[] = {"true or false", "a whole number", "a number",
                                                "a text", "a list of numbers"};
  return kNames[value.index()];
}

std::string range_text(const FieldSchema& field) {
  if (std::isinf(field.max)) {
    return "at least " + number_text(field.min);
  }
  if (std::isinf(field.min)) {
    return "at most " + number_text(field.max);
  }
  return fmt::format("in {} ... {}", number_text(field.min), number_text(field.max));
}

bool is_whole(double value) {
  return std::trunc(value) == value && std::abs(value) <= 0x1p53;
}

void check_range(const FieldSchema& field, double value, const std::string& who) {
  require(std::isfinite(value), "{} must be a finite number, got {}", who, number_text(value));
  require(!field.has_range || (value >= field.min && value <= field.max), "{} must be {}, got {}",
          who, range_text(field), number_text(value));
}

[[noreturn]] void fail_type(const FieldSchema& field, const ConfigValue& value,
                            const std::string& who) {
  fail(core::ErrorCode::kInvalidArgument, "{} must be {}, got {} ({})", who, name_of(field.type),
       type_text(value), text_of(value));
}

ConfigValue as_int(const FieldSchema& field, const ConfigValue& value, const std::string& who) {
  if (const auto* number = std::get_if<double>(&value); number && is_whole(*number)) {
    return as_int(field, static_cast<int64_t>(*number), who);
  }
  const auto* whole = std::get_if<int64_t>(&value);
  if (whole == nullptr) {
    fail_type(field, value, who);
  }
  check_range(field, static_cast<double>(*whole), who);
  return *whole;
}

ConfigValue as_float(const FieldSchema& field, const ConfigValue& value, const std::string& who) {
  const auto* whole = std::get_if<int64_t>(&value);
  const auto* number = std::get_if<double>(&value);
  if (whole == nullptr && number == nullptr) {
    fail_type(field, value, who);
  }
  const double result = whole != nullptr ? static_cast<double>(*whole) : *number;
  check_range(field, result, who);
  return result;
}

ConfigValue as_text(const FieldSchema& field, const ConfigValue& value, const std::string& who) {
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr) {
    fail_type(field, value, who);
  }
  if (field.type == FieldType::kChoice) {
    std::string choices;
    for (const std::string& choice : field.choices) {
      if (choice == *text) {
        return *text;
      }
      append_name(choices, choice);
    }
    fail(core::ErrorCode::kInvalidArgument, "{} must be one of {}, got '{}'{}", who, choices, *text,
         did_you_mean(*text, field.choices));
  }
  return *text;
}

ConfigValue as_list(const FieldSchema& field, const ConfigValue& value, const std::string& who) {
  const auto* list = std::get_if<std::vector<double>>(&value);
  if (list == nullptr) {
    fail_type(field, value, who);
  }
  for (size_t i = 0; i < list->size(); ++i) {
    const std::string entry = fmt::format("{}[{}]", who, i);
    require(field.type != FieldType::kIntList || is_whole((*list)[i]),
            "{} must be a whole number, got {}", entry, number_text((*list)[i]));
    check_range(field, (*list)[i], entry);
  }
  return *list;
}

ConfigValue as_field(const FieldSchema& field, const ConfigValue& value, const std::string& who) {
  switch (field.type) {
    case FieldType::kBool:
      if (!std::holds_alternative<bool>(value)) {
        fail_type(field, value, who);
      }
      return value;
    case FieldType::kInt:
      return as_int(field, value, who);
    case FieldType::kFloat:
      return as_float(field, value, who);
    case FieldType::kString:
    case FieldType::kChoice:
      return as_text(field, value, who);
    case FieldType::kIntList:
    case FieldType::kFloatList:
      return as_list(field, value, who);
  }
  fail_type(field, value, who);
}

// "1024, 512" as numbers; "" is the empty list.
std::vector<double> parse_list(const std::string& text, const std::string& who) {
  std::vector<double> list;
  const char* at = text.data();
  const char* end = at + text.size();
  const auto skip = [&at, end](char other) {
    while (at != end && (*at == ' ' || *at == other)) {
      ++at;
    }
  };
  skip(' ');
  while (at != end) {
    double value = 0.0;
    const auto [after, error] = std::from_chars(at, end, value);
    require(error == std::errc(), "{}: its default '{}' is no list of numbers", who, text);
    list.push_back(value);
    at = after;
    skip(',');
  }
  return list;
}

ConfigValue default_of(const sy_field& field, FieldType type, const std::string& who) {
  switch (type) {
    case FieldType::kBool:
      return field.def != 0.0;
    case FieldType::kInt:
      return static_cast<int64_t>(field.def);
    case FieldType::kFloat:
      return field.def;
    case FieldType::kString:
    case FieldType::kChoice:
      return text_or_empty(field.def_str);
    case FieldType::kIntList:
    case FieldType::kFloatList:
      return parse_list(text_or_empty(field.def_str), who);
  }
  fail(core::ErrorCode::kAbi, "{}: its type is unknown", who);
}

FieldSchema read_field(const sy_field* field, const std::string& component_id) {
  require(SY_HAS(field, sy_field, flags) && !text_or_empty(field->key).empty(),
          "component '{}': a field without a key, or a shorter one than that of this ABI",
          component_id);
  FieldSchema out;
  out.key = field->key;
  const std::string who = fmt::format("component '{}': field '{}'", component_id, out.key);
  require(field->type <= SY_T_FLOAT_LIST, "{}: its type ({}) is unknown", who, field->type);
  out.type = static_cast<FieldType>(field->type);
  // No bounds are written as two infinities, or as two zeros where an author left them out.
  out.has_range =
      field->min < field->max && (std::isfinite(field->min) || std::isfinite(field->max));
  out.min = field->min;
  out.max = field->max;
  out.step = field->step;
  for (const char* const* at = field->choices; at != nullptr && *at != nullptr; ++at) {
    out.choices.emplace_back(*at);
  }
  out.label = field->label == nullptr ? out.key : field->label;
  out.help = text_or_empty(field->help);
  out.unit = text_or_empty(field->unit);
  out.section = text_or_empty(field->section);
  out.enabled_if = text_or_empty(field->enabled_if);
  out.flags = field->flags;
  out.default_value = as_field(out, default_of(*field, out.type, who), who + ": its default");
  return out;
}

}  // namespace

std::string_view name_of(FieldType type) {
  static constexpr std::string_view kNames[] = {
      "true or false", "a whole number",          "a number",         "a text",
      "a text",        "a list of whole numbers", "a list of numbers"};
  return kNames[static_cast<size_t>(type)];
}

ComponentSchema read_schema(const sy_component& component) {
  ComponentSchema schema;
  schema.kind = static_cast<ComponentKind>(component.kind);
  schema.id = text_or_empty(component.id);
  schema.label = component.label == nullptr ? schema.id : component.label;
  schema.version = text_or_empty(component.version);
  schema.summary = text_or_empty(component.summary);
  schema.state_version = component.state_version;
  schema.caps = component.caps;
  std::set<std::string> keys;
  try {
    for (const sy_field* const* at = component.fields; at != nullptr && *at != nullptr; ++at) {
      schema.fields.push_back(read_field(*at, schema.id));
      require(keys.insert(schema.fields.back().key).second,
              "component '{}': the field '{}' is there twice", schema.id, schema.fields.back().key);
    }
  } catch (const core::Error& caught) {
    fail(core::ErrorCode::kAbi, "{}", caught.what());
  }
  return schema;
}

ResolvedConfig resolve(const ComponentSchema& schema, const core::ComponentConfig& config) {
  const std::string where = config.where.empty() ? schema.id : config.where;
  ResolvedConfig resolved;
  std::vector<std::string> keys;
  for (const FieldSchema& field : schema.fields) {
    keys.push_back(field.key);
    const auto given = config.values.find(field.key);
    resolved[field.key] =
        given == config.values.end()
            ? field.default_value
            : as_field(field, given->second, fmt::format("{}: {}", where, field.key));
  }
  for (const auto& [key, value] : config.values) {
    if (resolved.contains(key)) {
      continue;
    }
    std::string known;
    for (const std::string& name : keys) {
      append_name(known, name);
    }
    fail(core::ErrorCode::kInvalidArgument, "{}: {} '{}' has no setting '{}'{}; it has {}", where,
         name_of(schema.kind), schema.id, key, did_you_mean(key, keys),
         known.empty() ? "none" : known);
  }
  return resolved;
}

std::string text_of(const ConfigValue& value) {
  if (const auto* flag = std::get_if<bool>(&value)) {
    return *flag ? "true" : "false";
  }
  if (const auto* whole = std::get_if<int64_t>(&value)) {
    return std::to_string(*whole);
  }
  if (const auto* number = std::get_if<double>(&value)) {
    return number_text(*number);
  }
  if (const auto* text = std::get_if<std::string>(&value)) {
    return "\"" + *text + "\"";
  }
  std::string list;
  for (const double entry : std::get<std::vector<double>>(value)) {
    append_name(list, number_text(entry));
  }
  return "[" + list + "]";
}

std::string text_of(const ResolvedConfig& config) {
  std::string text;
  for (const auto& [key, value] : config) {
    text += key + " = " + text_of(value) + "\n";
  }
  return text;
}

}  // namespace switchyard::plugin_host
