#include "plugin_host/schema.h"

#include <charconv>
#include <iterator>
#include <set>

#include <fmt/format.h>

#include "core/error.h"
#include "core/nearest_name.h"
#include "plugin_host/name_list.h"
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

ConfigValue default_of(const sy_field& field, const std::string& who) {
  switch (field.type) {
    case SY_T_BOOL:
      return field.def != 0.0;
    case SY_T_INT:
      return static_cast<int64_t>(field.def);
    case SY_T_FLOAT:
      return field.def;
    case SY_T_STRING:
    case SY_T_CHOICE:
      return text_or_empty(field.def_str);
    default:
      return parse_list(text_or_empty(field.def_str), who);
  }
}

core::FieldType type_of(const sy_field& field, const std::string& who) {
  using enum core::FieldType;
  static constexpr core::FieldType kTypes[] = {kBool, kInteger,     kNumber,    kText,
                                               kText, kIntegerList, kNumberList};  // by SY_T_*
  require(field.type < std::size(kTypes), "{}: its type ({}) is unknown", who, field.type);
  return kTypes[field.type];
}

FieldSchema read_field(const sy_field* field, const std::string& component_id) {
  require(SY_HAS(field, sy_field, flags) && !text_or_empty(field->key).empty(),
          "component '{}': a field without a key, or a shorter one than that of this ABI",
          component_id);
  FieldSchema out;
  out.name = field->key;
  const std::string who = fmt::format("component '{}': field '{}'", component_id, out.name);
  out.type = type_of(*field, who);
  // No bounds are written as two infinities, or as two zeros where an author left them out.
  if (field->min < field->max) {
    out.min = field->min;
    out.max = field->max;
  }
  out.step = field->step;
  if (field->type == SY_T_CHOICE) {
    for (const char* const* at = field->choices; at != nullptr && *at != nullptr; ++at) {
      out.choices.emplace_back(*at);
    }
    require(!out.choices.empty(), "{}: a choice without choices", who);
  }
  out.label = field->label == nullptr ? out.name : field->label;
  out.help = text_or_empty(field->help);
  out.unit = text_or_empty(field->unit);
  out.section = text_or_empty(field->section);
  out.enabled_if = text_or_empty(field->enabled_if);
  out.flags = field->flags;
  core::CheckedValue checked = check(out, default_of(*field, who), out.name);
  require(checked.problem.empty(), "component '{}': the default of {}", component_id,
          checked.problem);
  out.default_value = std::move(checked.value);
  return out;
}

}  // namespace

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
      require(keys.insert(schema.fields.back().name).second,
              "component '{}': the field '{}' is there twice", schema.id,
              schema.fields.back().name);
    }
  } catch (const core::Error& caught) {
    fail(core::ErrorCode::kAbi, "{}", caught.what());
  }
  return schema;
}

ResolvedConfig resolve(const ComponentSchema& schema, const core::ComponentConfig& config) {
  const std::string where = config.where.empty() ? schema.id : config.where;
  ResolvedConfig resolved;
  std::vector<std::string> names;
  for (const FieldSchema& field : schema.fields) {
    names.push_back(field.name);
    resolved[field.name] = field.default_value;
    const auto given = config.values.find(field.name);
    if (given != config.values.end()) {
      core::CheckedValue checked = check(field, given->second, field.name);
      require(checked.problem.empty(), "{}: {}", where, checked.problem);
      resolved[field.name] = std::move(checked.value);
    }
  }
  for (const auto& [key, value] : config.values) {
    require(resolved.contains(key), "{}: {} '{}' has no setting '{}'; it has {}{}", where,
            name_of(schema.kind), schema.id, key,
            names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", ")),
            core::did_you_mean(key, names));
  }
  return resolved;
}

std::string text_of(const ConfigValue& value) {
  if (const auto* flag = std::get_if<bool>(&value)) {
    return *flag ? "true" : "false";
  }
  if (const auto* whole = std::get_if<int64_t>(&value)) {
    return fmt::format("{}", *whole);
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
