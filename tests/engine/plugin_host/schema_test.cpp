#include "plugin_host/schema.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin_fixture.h"

namespace switchyard::plugin_host {
namespace {

using core::ConfigValue;
using core::ErrorCode;
using testing::HasSubstr;

core::ComponentConfig probe(std::map<std::string, ConfigValue> values) {
  return {.plugin = "probe", .values = std::move(values), .where = "model.moe.gate (a.toml:12)"};
}

std::string refusal(const std::string& key, ConfigValue value) {
  PluginRegistry registry(search_in({"good"}));
  const auto [code, text] = error_of(
      [&] { (void)registry.check(probe({{key, std::move(value)}}), ComponentKind::kGate); });
  EXPECT_EQ(code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(text, testing::StartsWith("model.moe.gate (a.toml:12): "));
  return text;
}

TEST(Schema, IsReadWithDefaultsAndBounds) {
  PluginRegistry registry(search_in({"good"}));
  const ComponentSchema schema = registry.schema("probe", ComponentKind::kGate);
  EXPECT_EQ(schema.id, "test.gate.probe");
  EXPECT_EQ(schema.label, "Probe");
  EXPECT_EQ(schema.state_version, 3U);
  ASSERT_EQ(schema.fields.size(), 6U);
  EXPECT_EQ(schema.fields[0].name, "k");
  EXPECT_EQ(schema.fields[0].label, "Experts per token");
  EXPECT_EQ(schema.fields[0].type, core::FieldType::kInteger);
  EXPECT_EQ(schema.fields[0].default_value, ConfigValue(int64_t{2}));
  EXPECT_EQ(schema.fields[0].min, 1.0);
  EXPECT_EQ(schema.fields[0].max, 8.0);
  EXPECT_EQ(schema.fields[1].choices.front(), "plain");
  EXPECT_EQ(schema.fields[3].default_value, ConfigValue(std::vector<double>{16, 8}));
  EXPECT_TRUE(std::isinf(schema.fields[5].max));
}

TEST(Schema, FillsInDefaultsAndBringsValuesToTheirType) {
  PluginRegistry registry(search_in({"good"}));
  const ResolvedConfig resolved =
      registry.check(probe({{"k", 4.0}, {"scale", int64_t{1}}}), ComponentKind::kGate);
  EXPECT_EQ(text_of(resolved),
            "k = 4\nmode = \"plain\"\nnoise = true\nnote = \"\"\nscale = 1\nsizes = [16, 8]\n");
  EXPECT_EQ(resolved.at("scale"), ConfigValue(1.0));
  EXPECT_EQ(resolved.at("k"), ConfigValue(int64_t{4}));
}

TEST(Schema, RefusesUnknownKeysWithTheNearestOne) {
  EXPECT_THAT(
      refusal("scal", 1.0),
      HasSubstr("gate 'test.gate.probe' has no setting 'scal'; it has k, mode, scale, sizes, "
                "noise, note; did you mean 'scale'?"));
  EXPECT_THAT(refusal("zzzzzzzz", 1.0), HasSubstr("has no setting 'zzzzzzzz'; it has"));
}

TEST(Schema, RefusesWrongTypes) {
  EXPECT_THAT(refusal("k", std::string("two")),
              HasSubstr("'k' must be a whole number, got the text \"two\""));
  EXPECT_THAT(refusal("k", 2.5), HasSubstr("'k' must be a whole number, got 2.5"));
  EXPECT_THAT(refusal("noise", int64_t{1}), HasSubstr("'noise' must be true or false, got 1"));
  EXPECT_THAT(refusal("scale", true), HasSubstr("'scale' must be a number, got true"));
  EXPECT_THAT(refusal("note", 1.5), HasSubstr("'note' must be a text"));
  EXPECT_THAT(refusal("sizes", int64_t{5}), HasSubstr("'sizes' must be a list of whole numbers"));
  EXPECT_THAT(refusal("sizes", std::vector<double>{8, 2.5}),
              HasSubstr("'sizes[1]' must be a whole number, got 2.5"));
}

TEST(Schema, RefusesValuesOutOfRange) {
  EXPECT_THAT(refusal("k", int64_t{0}), HasSubstr("'k' must lie between 1 and 8, got 0"));
  EXPECT_THAT(refusal("scale", -0.5), HasSubstr("'scale' must lie between 0 and 1e+300, got -0.5"));
  EXPECT_THAT(refusal("scale", std::numeric_limits<double>::quiet_NaN()),
              HasSubstr("'scale' must be a finite number, got nan"));
  EXPECT_THAT(refusal("sizes", std::vector<double>{65}),
              HasSubstr("'sizes[0]' must lie between 1 and 64, got 65"));
  EXPECT_THAT(refusal("mode", std::string("plane")),
              HasSubstr("'mode' must be one of \"plain\", \"fail\", "));
  EXPECT_THAT(refusal("mode", std::string("plane")),
              HasSubstr("got the text \"plane\"; did you mean 'plain'?"));
}

TEST(Schema, LetsTheComponentCheckRulesAcrossFields) {
  PluginRegistry registry(search_in({"good"}));
  layers::ComponentPlace place;
  place.name = "moe.gate";
  place.num_experts = 3;
  const auto [code, text] = error_of(
      [&] { (void)registry.check(probe({{"k", int64_t{4}}}), ComponentKind::kGate, place); });
  EXPECT_EQ(code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(text, HasSubstr("model.moe.gate (a.toml:12): k must be at most the number of experts "
                              "(gate 'test.gate.probe' 1.2.0 at moe.gate)"));
  EXPECT_EQ(registry.check(probe({}), ComponentKind::kGate, place).at("k"),
            ConfigValue(int64_t{2}));
}

}  // namespace
}  // namespace switchyard::plugin_host
