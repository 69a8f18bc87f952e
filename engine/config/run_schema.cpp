#include "config/run_schema.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "config/run_keys.h"

namespace switchyard::config {
namespace {

using core::Field;
using core::FieldType;

/// Makes a schema of the keys that `describe` lists; the values of the members are the defaults.
class SchemaKeys {
 public:
  template <typename T>
  void number(std::string name, const T& value, Range range, Resume resume, std::string help,
              Need need = Need::kOptional) {
    using Value = std::conditional_t<std::is_integral_v<T>, int64_t, double>;
    const auto type = std::is_integral_v<T> ? FieldType::kInteger : FieldType::kNumber;
    Field& key =
        add(std::move(name), type, static_cast<Value>(value), resume, std::move(help), need);
    key.min = range.min;
    key.max = range.max;
    key.above_min = range.above_min;
  }

  void flag(std::string name, bool value, Resume resume, std::string help) {
    add(std::move(name), FieldType::kBool, value, resume, std::move(help));
  }

  void text(std::string name, const std::string& value, Resume resume, std::string help,
            Need need = Need::kOptional) {
    add(std::move(name), FieldType::kText, value, resume, std::move(help), need);
  }

  void texts(std::string name, const std::vector<std::string>& values, Resume resume,
             std::string help) {
    add(std::move(name), FieldType::kTextList, values, resume, std::move(help));
  }

  template <typename T>
  void choice(std::string name, const T& value, const Choices<T>& choices, Resume resume,
              std::string help) {
    add(std::move(name), FieldType::kText, text_of(value, choices), resume, std::move(help))
        .choices = texts_of(choices);
  }

  template <typename T>
  void choices(std::string name, const std::vector<T>& values, const Choices<T>& choices,
               Resume resume, std::string help) {
    std::vector<std::string> texts;
    for (const T& value : values) {
      texts.push_back(text_of(value, choices));
    }
    add(std::move(name), FieldType::kTextList, std::move(texts), resume, std::move(help)).choices =
        texts_of(choices);
  }

  void component(std::string name, const core::ComponentConfig& /*member*/, std::string help) {
    schema_.components.push_back({std::move(name), false, std::move(help)});
  }

  template <typename T>
  void components(std::string name, const std::vector<T>& /*member*/, std::string help) {
    T entry;
    SchemaKeys own;
    describe(own, entry);
    schema_.components.push_back(
        {std::move(name), true, std::move(help), std::move(own.schema_.keys)});
  }

  [[nodiscard]] core::ConfigSchema& schema() { return schema_; }
  /// The keys that a resumed run may change.
  [[nodiscard]] const std::vector<std::string>& free_keys() const { return free_keys_; }

 private:
  Field& add(std::string name, FieldType type, core::ConfigValue value, Resume resume,
             std::string help, Need need = Need::kOptional) {
    if (resume == Resume::kFree) {
      free_keys_.push_back(name);
    }
    Field key{std::move(name), type, std::move(value), std::move(help)};
    key.required = need == Need::kRequired;
    return schema_.keys.emplace_back(std::move(key));
  }

  template <typename T>
  static std::string text_of(const T& value, const std::vector<Choice<T>>& choices) {
    const auto found = std::find_if(choices.begin(), choices.end(),
                                    [&](const Choice<T>& one) { return one.value == value; });
    return std::string(found->text);
  }

  template <typename T>
  static std::vector<std::string> texts_of(const std::vector<Choice<T>>& choices) {
    std::vector<std::string> texts;
    for (const Choice<T>& choice : choices) {
      texts.emplace_back(choice.text);
    }
    return texts;
  }

  core::ConfigSchema schema_;
  std::vector<std::string> free_keys_;
};

SchemaKeys run_keys() {
  RunConfig defaults;
  SchemaKeys keys;
  describe(keys, defaults);
  return keys;
}

}  // namespace

core::ConfigSchema run_schema(DataPath data_path) {
  core::ConfigSchema schema = std::move(run_keys().schema());
  for (Field& key : schema.keys) {
    if (key.name == "data.path") {
      key.required = data_path == DataPath::kRequired;
    }
  }
  return schema;
}

bool may_change_on_resume(std::string_view key) {
  const SchemaKeys keys = run_keys();
  return std::find(keys.free_keys().begin(), keys.free_keys().end(), key) != keys.free_keys().end();
}

}  // namespace switchyard::config
