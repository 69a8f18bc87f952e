#include "core/field.h"

#include <limits>

#include <gtest/gtest.h>

namespace switchyard::core {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::string problem_of(const Field& field, const ConfigValue& value) {
  const CheckedValue checked = check(field, value, "a.b");
  EXPECT_EQ(checked.value == field.default_value, !checked.problem.empty()) << checked.problem;
  return checked.problem;
}

TEST(Field, BringsNumbersToItsType) {
  EXPECT_EQ(check({"k", FieldType::kInteger}, 1e6, "k").value, ConfigValue(int64_t{1000000}));
  EXPECT_EQ(check({"x", FieldType::kNumber}, int64_t{2}, "x").value, ConfigValue(2.0));
  EXPECT_EQ(check({"l", FieldType::kTextList}, std::vector<double>{}, "l").value,
            ConfigValue(std::vector<std::string>{}));
}

TEST(Field, RefusesOtherTypes) {
  EXPECT_EQ(problem_of({"b", FieldType::kBool}, int64_t{1}), "'a.b' must be true or false, got 1");
  EXPECT_EQ(problem_of({"k", FieldType::kInteger}, 2.5), "'a.b' must be a whole number, got 2.5");
  EXPECT_EQ(problem_of({"x", FieldType::kNumber}, std::string("two")),
            "'a.b' must be a number, got the text \"two\"");
  EXPECT_EQ(problem_of({"t", FieldType::kText}, ConfigValue()),
            "'a.b' must be a text in quotes, got a table");
  EXPECT_EQ(problem_of({"l", FieldType::kIntegerList}, std::vector<double>{8, 2.5}),
            "'a.b[1]' must be a whole number, got 2.5");
}

TEST(Field, RefusesNumbersOutsideItsRange) {
  const Field closed{"k", FieldType::kInteger, {}, "", 1, 8};
  EXPECT_EQ(problem_of(closed, int64_t{1}), "");
  EXPECT_EQ(problem_of(closed, int64_t{9}), "'a.b' must lie between 1 and 8, got 9");
  Field open{"x", FieldType::kNumber, {}, "", 0, 1e3};
  open.above_min = true;
  EXPECT_EQ(problem_of(open, 1e-300), "");
  EXPECT_EQ(problem_of(open, int64_t{0}), "'a.b' must be greater than 0 and at most 1000, got 0");
  EXPECT_EQ(problem_of({"x", FieldType::kNumber, {}, "", 0}, -0.5),
            "'a.b' must be at least 0, got -0.5");
  EXPECT_EQ(problem_of({"x", FieldType::kNumber, {}, "", -kInfinity, 1}, 1.5),
            "'a.b' must be at most 1, got 1.5");
  EXPECT_EQ(problem_of({"x", FieldType::kNumber}, kInfinity),
            "'a.b' must be a finite number, got inf");
  EXPECT_EQ(problem_of({"l", FieldType::kNumberList, {}, "", 1, 64}, std::vector<double>{65}),
            "'a.b[0]' must lie between 1 and 64, got 65");
}

TEST(Field, RefusesTextsThatAreNoChoice) {
  const Field field{"mode", FieldType::kText, {}, "", 0, 0, {"plain", "fail"}};
  EXPECT_EQ(problem_of(field, std::string("fail")), "");
  EXPECT_EQ(problem_of(field, std::string("plane")),
            "'a.b' must be one of \"plain\", \"fail\", got the text \"plane\"; did you mean "
            "'plain'?");
}

}  // namespace
}  // namespace switchyard::core
