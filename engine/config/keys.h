#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/run_keys.h"

namespace switchyard::config {

enum class Need { kOptional, kRequired };

/// The numbers that a key takes: from `min` to `max`, both included unless `above_min`.
struct Range {
  double min;
  double max;
  bool above_min = false;
};

/// One text that a key takes, and the value that it stands for. Where two choices have the same
/// value, the first is the default's text.
template <typename T>
struct Choice {
  std::string_view text;
  T value;
};

/// The choices of a key whose member is a T or a list of T.
template <typename T>
using Choices = std::type_identity_t<std::vector<Choice<T>>>;

/// The text of the choice with that value.
template <typename T>
std::string text_of(const T& value, const std::vector<Choice<T>>& choices) {
  const auto at = std::find_if(choices.begin(), choices.end(),
                               [&](const Choice<T>& one) { return one.value == value; });
  return std::string(at->text);
}

/// The value of the choice with that text; a checked configuration holds no other text.
template <typename T>
T value_of(const std::string& text, const std::vector<Choice<T>>& choices) {
  return std::find_if(choices.begin(), choices.end(),
                      [&](const Choice<T>& one) { return one.text == text; })
      ->value;
}

/// Collects the keys that functions `describe` list, a line per key.
class Keys {
 public:
  template <typename T>
  void number(std::string name, T& member, Range range, Resume resume, std::string help,
              Need need = Need::kOptional) {
    using Given = std::conditional_t<std::is_integral_v<T>, int64_t, double>;
    core::Field field{std::move(name),
                      core::FieldType::kNumber,
                      static_cast<Given>(member),
                      std::move(help),
                      range.min,
                      range.max};
    field.type = std::is_integral_v<T> ? core::FieldType::kInteger : core::FieldType::kNumber;
    field.above_min = range.above_min;
    field.required = need == Need::kRequired;
    add(std::move(field), resume, [&member](const core::ConfigValue& value) {
      member = static_cast<T>(std::get<Given>(value));
    });
  }

  /// A flag, a text or a list of texts.
  template <typename T>
  void value(std::string name, T& member, Resume resume, std::string help,
             Need need = Need::kOptional) {
    constexpr auto kType = std::is_same_v<T, bool>          ? core::FieldType::kBool
                           : std::is_same_v<T, std::string> ? core::FieldType::kText
                                                            : core::FieldType::kTextList;
    core::Field field{std::move(name), kType, member, std::move(help)};
    field.required = need == Need::kRequired;
    add(std::move(field), resume,
        [&member](const core::ConfigValue& value) { member = std::get<T>(value); });
  }

  template <typename T>
  void choice(std::string name, T& member, const Choices<T>& choices, Resume resume,
              std::string help) {
    core::Field field{std::move(name), core::FieldType::kText, text_of(member, choices),
                      std::move(help)};
    add(with_choices(std::move(field), choices), resume,
        [&member, choices](const core::ConfigValue& value) {
          member = value_of(std::get<std::string>(value), choices);
        });
  }

  template <typename T>
  void choices(std::string name, std::vector<T>& member, const Choices<T>& choices, Resume resume,
               std::string help) {
    std::vector<std::string> texts;
    for (const T& value : member) {
      texts.push_back(text_of(value, choices));
    }
    core::Field field{std::move(name), core::FieldType::kTextList, std::move(texts),
                      std::move(help)};
    add(with_choices(std::move(field), choices), resume,
        [&member, choices](const core::ConfigValue& value) {
          member.clear();
          for (const std::string& text : std::get<std::vector<std::string>>(value)) {
            member.push_back(value_of(text, choices));
          }
        });
  }

  void component(std::string name, core::ComponentConfig& member, std::string help) {
    keys_.tables.push_back({{std::move(name), false, std::move(help)},
                            [&member](const std::vector<core::ConfigTable>& tables) {
                              member = tables.empty() ? member : tables[0].component;
                            }});
  }

  template <typename T>
  void components(std::string name, std::vector<T>& member, std::string help) {
    T entry;
    Keys own;
    describe(own, entry);
    core::ConfigComponent component{std::move(name), true, std::move(help)};
    for (RunKey& key : own.keys_.keys) {
      component.keys.push_back(std::move(key.field));
    }
    keys_.tables.push_back(
        {std::move(component), [&member](const std::vector<core::ConfigTable>& tables) {
           member.clear();
           for (const core::ConfigTable& table : tables) {
             member.push_back(entry_of<T>(table));
           }
         }});
  }

  [[nodiscard]] RunKeys take() { return std::move(keys_); }

 private:
  using Set = std::function<void(const core::ConfigValue&)>;

  void add(core::Field field, Resume resume, Set set) {
    keys_.keys.push_back({std::move(field), resume, std::move(set)});
  }

  template <typename T>
  static core::Field with_choices(core::Field field, const std::vector<Choice<T>>& choices) {
    for (const Choice<T>& choice : choices) {
      field.choices.emplace_back(choice.text);
    }
    return field;
  }

  template <typename T>
  static T entry_of(const core::ConfigTable& table) {
    T entry;
    entry.component = table.component;
    Keys own;
    describe(own, entry);
    for (const RunKey& key : own.keys_.keys) {
      key.set(table.own.at(key.field.name));
    }
    return entry;
  }

  RunKeys keys_;
};

}  // namespace switchyard::config
