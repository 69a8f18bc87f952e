#include "config/run_keys.h"

#include <map>

#include <gtest/gtest.h>

namespace switchyard::config {
namespace {

/// The value of every member that `describe` lists, by key.
using Values = std::map<std::string, std::string>;

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    text += (text.empty() ? "" : ", ") + part;
  }
  return text;
}

/// Notes the value of each member.
class NoteKeys {
 public:
  explicit NoteKeys(Values& values, std::string prefix = "")
      : values_(values), prefix_(std::move(prefix)) {}

  template <typename T>
  void number(const std::string& name, T& member, Range /*range*/, Resume /*resume*/,
              const char* /*help*/, Need /*need*/ = Need::kOptional) {
    note(name, fmt::format("{}", member));
  }
  void flag(const std::string& name, bool& member, Resume /*resume*/, const char* /*help*/) {
    note(name, fmt::format("{}", member));
  }
  void text(const std::string& name, std::string& member, Resume /*resume*/, const char* /*help*/,
            Need /*need*/ = Need::kOptional) {
    note(name, member);
  }
  void texts(const std::string& name, std::vector<std::string>& member, Resume /*resume*/,
             const char* /*help*/) {
    note(name, joined(member));
  }
  template <typename T>
  void choice(const std::string& name, T& member, const Choices<T>& /*choices*/, Resume /*resume*/,
              const char* /*help*/) {
    note(name, fmt::format("{}", static_cast<int>(member)));
  }
  template <typename T>
  void choices(const std::string& name, std::vector<T>& member, const Choices<T>& /*choices*/,
               Resume /*resume*/, const char* /*help*/) {
    std::vector<std::string> numbers;
    for (const T value : member) {
      numbers.push_back(fmt::format("{}", static_cast<int>(value)));
    }
    note(name, joined(numbers));
  }
  void component(const std::string& name, core::ComponentConfig& member, const char* /*help*/) {
    note(name, fmt::format("{} {}", member.plugin, member.values.size()));
  }
  template <typename T>
  void components(const std::string& name, std::vector<T>& member, const char* help) {
    for (size_t i = 0; i < member.size(); ++i) {
      NoteKeys own(values_, fmt::format("{}[{}].", name, i));
      own.component("", member[i].component, help);
      describe(own, member[i]);
    }
  }

 private:
  void note(const std::string& name, const std::string& value) { values_[prefix_ + name] = value; }

  Values& values_;
  std::string prefix_;
};

Values values_of(RunConfig& config) {
  Values values;
  NoteKeys keys(values);
  describe(keys, config);
  return values;
}

/// Gives each member a value other than its default and writes the setting that says so.
class ChangeKeys {
 public:
  template <typename T>
  void number(const std::string& name, T& member, Range range, Resume /*resume*/,
              const char* /*help*/, Need /*need*/ = Need::kOptional) {
    const double next = static_cast<double>(member) + 1;
    member = static_cast<T>(next <= range.max ? next : range.max / 2);
    write(name, fmt::format("{}", member));
  }
  void flag(const std::string& name, bool& member, Resume /*resume*/, const char* /*help*/) {
    member = !member;
    write(name, fmt::format("{}", member));
  }
  void text(const std::string& name, std::string& member, Resume /*resume*/, const char* /*help*/,
            Need /*need*/ = Need::kOptional) {
    member = "other";
    write(name, "\"other\"");
  }
  void texts(const std::string& name, std::vector<std::string>& member, Resume /*resume*/,
             const char* /*help*/) {
    member = {"other", "another"};
    write(name, R"(["other", "another"])");
  }
  template <typename T>
  void choice(const std::string& name, T& member, const Choices<T>& choices, Resume /*resume*/,
              const char* /*help*/) {
    for (const Choice<T>& choice : choices) {
      if (choice.value != member) {
        member = choice.value;
        write(name, fmt::format("\"{}\"", choice.text));
        return;
      }
    }
  }
  template <typename T>
  void choices(const std::string& name, std::vector<T>& member, const Choices<T>& choices,
               Resume /*resume*/, const char* /*help*/) {
    member.clear();
    std::vector<std::string> texts;
    for (const Choice<T>& choice : choices) {
      member.push_back(choice.value);
      texts.push_back(fmt::format("\"{}\"", choice.text));
    }
    write(name, "[" + joined(texts) + "]");
  }
  void component(const std::string& name, core::ComponentConfig& member, const char* /*help*/) {
    member.plugin = "other";
    member.values["a"] = 1.5;
    write(name, "{plugin = \"other\", a = 1.5}");
  }
  template <typename T>
  void components(const std::string& name, std::vector<T>& member, const char* /*help*/) {
    T& entry = member.emplace_back();
    entry.component.plugin = "other";
    ChangeKeys own;
    describe(own, entry);
    write(name, "[{plugin = \"other\", " + joined(own.settings()) + "}]");
  }

  [[nodiscard]] const std::vector<std::string>& settings() const { return settings_; }

 private:
  void write(const std::string& name, const std::string& value) {
    settings_.push_back(name + " = " + value);
  }

  std::vector<std::string> settings_;
};

TEST(RunKeys, EachReadsItsMember) {
  RunConfig changed;
  const Values defaults = values_of(changed);
  ChangeKeys keys;
  describe(keys, changed);
  RunConfig read = parse_run_config("", "c.toml", keys.settings());
  const Values expected = values_of(changed);
  EXPECT_EQ(values_of(read), expected);
  for (const auto& [key, value] : defaults) {
    EXPECT_NE(expected.at(key), value) << key << " was to be changed";
  }
}

TEST(RunKeys, HaveTheDefaultsOfTheirMembers) {
  RunConfig expected;
  RunConfig read = parse_run_config(
      "", "c.toml", {"data.path=\"\"", "model.layers=[\"lstm\"]", "optimizer={plugin=\"sgd\"}"});
  std::get<models::LanguageModelConfig>(expected.trainer.model).layers = {models::LayerKind::kLstm};
  expected.trainer.optimizer.plugin = "sgd";
  EXPECT_EQ(values_of(read), values_of(expected));
}

TEST(RunKeys, AreFoundAgainInWhatTheyAreWrittenAs) {
  ChangeKeys keys;
  RunConfig changed;
  describe(keys, changed);
  RunConfig read = parse_run_config("", "c.toml", keys.settings());
  RunConfig again = parse_run_config(read.settings.to_toml(), "config.toml", {});
  EXPECT_EQ(values_of(again), values_of(read));
}

}  // namespace
}  // namespace switchyard::config
