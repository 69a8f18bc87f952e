#include "config/run_keys.h"

#include <map>

#include <gtest/gtest.h>

#include "config/run_config.h"

namespace switchyard::config {
namespace {

/// The value of the member of every key.
std::map<std::string, std::string> values_of(RunConfig& config) {
  std::map<std::string, std::string> values;
  for (const RunKey& key : run_keys(config).keys) {
    values[key.field.name] = core::setting_text(key.field.default_value);
  }
  return values;
}

/// A value that the field takes, other than its default.
core::ConfigValue other_value(const core::Field& field) {
  const auto other_text = [&](const std::string& text) {
    for (const std::string& choice : field.choices) {
      if (choice != text && choice != "auto") {
        return choice;
      }
    }
    return std::string("other");
  };
  const double next = field.max > field.min + 1 ? field.min + 1 : field.max / 2;
  switch (field.type) {
    case core::FieldType::kBool:
      return !std::get<bool>(field.default_value);
    case core::FieldType::kInteger:
      return std::get<int64_t>(field.default_value) + 1;
    case core::FieldType::kNumber:
      return next != std::get<double>(field.default_value) ? next : next / 2;
    case core::FieldType::kText:
      return other_text(std::get<std::string>(field.default_value));
    default:
      return std::vector<std::string>{other_text("")};
  }
}

/// Settings that give every key another value than its default, so that the whole makes sense.
std::vector<std::string> other_settings() {
  RunConfig defaults;
  const RunKeys keys = run_keys(defaults);
  std::vector<std::string> settings;
  for (const RunKey& key : keys.keys) {
    settings.push_back(key.field.name + "=" + core::setting_text(other_value(key.field)));
  }
  for (const RunTable& table : keys.tables) {
    std::string entry = "plugin = \"other\"";
    for (const core::Field& field : table.component.keys) {
      entry += ", " + field.name + " = " + core::setting_text(other_value(field));
    }
    settings.push_back(
        fmt::format(fmt::runtime(table.component.is_list ? "{} = [{{{}}}]" : "{} = {{{}}}"),
                    table.component.name, entry));
  }
  settings.emplace_back("model.moe.balance.by=compute");  // experts in groups have no gate to ask
  return settings;
}

TEST(RunKeys, EachIsReadIntoItsMember) {
  const std::vector<std::string> settings = other_settings();
  RunConfig read = parse_run_config("", "c.toml", settings);
  RunConfig defaults;
  const std::map<std::string, std::string> before = values_of(defaults);
  for (const auto& [key, value] : values_of(read)) {
    EXPECT_NE(value, before.at(key)) << key;
    const bool is_same = value == core::setting_text(read.settings.setting(key));
    EXPECT_TRUE(is_same) << key << " became " << value;
  }
  const models::MoeConfig& moe = std::get<models::LanguageModelConfig>(read.trainer.model).moe;
  ASSERT_EQ(moe.experts.size(), 1U);
  EXPECT_EQ(moe.experts[0].count, 1);
  EXPECT_EQ(moe.experts[0].component.plugin, "other");
  EXPECT_EQ(moe.gate.plugin, "other");
  EXPECT_EQ(moe.secondary_gate.plugin, "other");
  EXPECT_EQ(read.trainer.optimizer.plugin, "other");
  ASSERT_EQ(read.trainer.optimizer_groups.size(), 1U);
  EXPECT_EQ(read.trainer.optimizer_groups[0].selection.roles,
            std::vector<tensor::Role>{tensor::Role::kDense});
  EXPECT_EQ(read.trainer.optimizer_groups[0].selection.match, "other");
  EXPECT_NE(read.trainer.optimizer_groups[0].learning_rate_scale, 1.0);
}

TEST(RunKeys, HaveTheDefaultsOfTheirMembers) {
  RunConfig expected;
  RunConfig read = parse_run_config(
      "optimizer.plugin = \"sgd\"\ndata.path = \"\"\n"
      "[[model.moe.experts]]\nplugin = \"ffn\"\ncount = 1\n",
      "c.toml", {});
  EXPECT_EQ(values_of(read), values_of(expected));
}

TEST(RunKeys, ReadBackWhatIsWritten) {
  RunConfig read = parse_run_config("", "c.toml", other_settings());
  RunConfig again = parse_run_config(read.settings.to_toml(), "config.toml", {});
  EXPECT_EQ(values_of(again), values_of(read));
}

TEST(RunKeys, HaveTextsForTheRolesThatMessagesUse) {
  RunConfig config;
  const std::vector<RunTable> tables = run_keys(config).tables;
  EXPECT_EQ(tables.back().component.name, "optimizer.groups");
  EXPECT_EQ(tables.back().component.keys[0].choices.size(), 6U);
  EXPECT_EQ(tables.back().component.keys[0].choices[5], name_of(tensor::Role::kBias));
}

}  // namespace
}  // namespace switchyard::config
