#include <cmath>

#include <gtest/gtest.h>

#include <switchyard/schema.hpp>

#include "tests/support/plugin_test_host.h"

namespace switchyard::test {
namespace {

constexpr const char* kChoices[] = {"one", "two", nullptr};
constexpr sy::Schema kSchema{sy::int_field("k", "K", 3).range(1, 8, 1).section("A").help("Help."),
                             sy::float_field("w", "W", 0.5).flags(SY_FF_LIVE).unit("s"),
                             sy::bool_field("b", "B", true).enabled_if("k=3"),
                             sy::choice_field("c", "C", kChoices, "two"),
                             sy::int_list_field("l", "L", "8, 4"),
                             sy::string_field("s", "S", "here"),
                             sy::float_list_field("f", "F", "0.5, 0.25")};

TEST(SdkSchema, ListsItsFieldsInOrderUpToANull) {
  const sy_field* const* fields = kSchema.get();
  const char* keys[] = {"k", "w", "b", "c", "l", "s", "f"};
  for (const char* key : keys) {
    EXPECT_EQ((*fields)->struct_size, sizeof(sy_field));
    EXPECT_STREQ((*fields++)->key, key);
  }
  EXPECT_EQ(*fields, nullptr);
}

TEST(SdkSchema, SaysWhatItWasTold) {
  const sy_field* const* fields = kSchema.get();
  EXPECT_EQ(fields[0]->min, 1.0);
  EXPECT_EQ(fields[0]->max, 8.0);
  EXPECT_EQ(fields[0]->def, 3.0);
  EXPECT_STREQ(fields[0]->section, "A");
  EXPECT_EQ(fields[1]->flags, static_cast<uint32_t>(SY_FF_LIVE));
  EXPECT_TRUE(std::isinf(fields[1]->max));
  EXPECT_STREQ(fields[2]->enabled_if, "k=3");
  EXPECT_EQ(fields[3]->choices, kChoices);
  EXPECT_STREQ(fields[3]->def_str, "two");
}

TEST(SdkSchema, GivesNoTextFieldThatIsNull) {
  for (const sy_field* const* f = kSchema.get(); *f; ++f) {
    for (const char* text :
         {(*f)->key, (*f)->label, (*f)->help, (*f)->unit, (*f)->section, (*f)->def_str}) {
      EXPECT_NE(text, nullptr);
    }
  }
}

TEST(SdkConfig, ReadsEveryType) {
  TestConfig values(kSchema.get());
  values.set("w", 0.25);
  const sy::Config config(values);
  EXPECT_EQ(config.integer("k"), 3);
  EXPECT_EQ(config.number("w"), 0.25);
  EXPECT_TRUE(config.flag("b"));
  EXPECT_EQ(config.text("c"), "two");
  EXPECT_EQ(config.integers("l"), (std::vector<int64_t>{8, 4}));
  EXPECT_EQ(config.text("s"), "here");
  EXPECT_EQ(config.numbers("f"), (std::vector<double>{0.5, 0.25}));
  EXPECT_TRUE(config.integers("unknown").empty());
}

}  // namespace
}  // namespace switchyard::test
