#include "sweep/sweep_file.h"

#include <fstream>

#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/support/temporary_directory.h"

namespace switchyard::sweep {
namespace {

constexpr const char* kPath = "sweeps/demo.toml";

SweepFile parse(const std::string& text) {
  return parse_sweep_file(text, kPath);
}

/// The message of the error that the text gives.
std::string error_of(const std::string& text, const std::filesystem::path& path = kPath) {
  try {
    (void)parse_sweep_file(text, path);
  } catch (const core::Error& error) {
    return error.what();
  }
  return "no error";
}

void expect_error(const std::string& text, const std::vector<std::string>& parts) {
  const std::string error = error_of(text);
  for (const std::string& part : parts) {
    EXPECT_NE(error.find(part), std::string::npos) << "'" << part << "' is not in:\n" << error;
  }
}

TEST(SweepFile, ReadsEverything) {
  const SweepFile file = parse(R"(
title = "Balance"
base = "../small.toml"
[set]
"train.steps" = 100
model.d_model = 64
[[point]]
name = "a"
label = "the first"
set = { "model.dropout" = 0.2, "model.moe.experts.0.count" = 8 }
[[point]]
name = "b"
base = "/etc/other.toml"
[grid]
"train.seed" = [1, 2]
[search]
"schedule.learning_rate" = [1e-3, 2e-3]
[[plot]]
kind = "perplexity_vs_ops"
[[plot.series]]
label = "x"
points = ["a", "b"]
[[table]]
kind = "balance"
points = ["a"]
)");
  EXPECT_EQ(file.title, "Balance");
  EXPECT_EQ(file.base, "small.toml");  // from the directory of the file
  ASSERT_EQ(file.set.size(), 2U);
  EXPECT_EQ(file.set[1].key, "model.d_model");
  ASSERT_EQ(file.points.size(), 2U);
  EXPECT_EQ(file.points[0].label, "the first");
  ASSERT_EQ(file.points[0].set.size(), 2U);
  EXPECT_EQ(file.points[0].set[1].key, "model.moe.experts.0.count");
  EXPECT_EQ(file.points[1].base, "/etc/other.toml");
  ASSERT_EQ(file.grid.size(), 1U);
  EXPECT_EQ(file.grid[0].values[1].value, core::ConfigValue(int64_t{2}));
  ASSERT_EQ(file.search.size(), 1U);
  EXPECT_EQ(file.search[0].values[0].value, core::ConfigValue(1e-3));
  ASSERT_EQ(file.plots.size(), 1U);
  EXPECT_EQ(file.plots[0].kind, PlotKind::kPerplexityVsOps);
  ASSERT_EQ(file.plots[0].series.size(), 1U);
  EXPECT_EQ(file.plots[0].series[0].points, (std::vector<std::string>{"a", "b"}));
  ASSERT_EQ(file.tables.size(), 1U);
}

TEST(SweepFile, NamesUnknownKeysWithTheirPlace) {
  expect_error("base = \"a.toml\"\n[[point]]\nname = \"a\"\nlable = \"b\"\n",
               {"demo.toml:4:1", "unknown key 'point[0].lable'", "did you mean 'label'?"});
  expect_error("base = \"a.toml\"\n[gird]\n\"train.seed\" = [1]\n",
               {"demo.toml:2:", "unknown key 'gird'", "'grid'"});
  expect_error("base = \"a.toml\"\n[[plott]]\nkind = \"x\"\n", {"unknown key 'plott", "'plot'"});
}

TEST(SweepFile, NamesWrongValues) {
  const std::string point = "base = \"a.toml\"\n[[point]]\nname = \"a\"\n";
  expect_error("extends = 3\n" + point, {"demo.toml:1:11", "'extends' must be a text", "got 3"});
  expect_error("title = 3\n" + point, {"demo.toml:1:9", "'title' must be a text", "got 3"});
  expect_error("base = \"a.toml\"\n[grid]\n\"train.seed\" = 3\n",
               {"demo.toml:3:", "must be a list of numbers or of texts"});
  expect_error("base = \"a.toml\"\n[grid]\n\"train.seed\" = []\n", {"must be a list"});
  expect_error(point + "[[plot]]\nkind = \"pie\"\n",
               {"demo.toml:5:8", "must be one of \"perplexity_vs_parameters\""});
  expect_error(point + "[[plot]]\ntitle = \"x\"\n", {"demo.toml:4:", "must have a kind"});
  expect_error(point + "set = 4\n", {"'point[0].set' must be a table"});
  expect_error(point + "[[table]]\nkind = \"chair\"\n", {"'table[0].kind' must be \"balance\""});
}

TEST(SweepFile, MustHoldPointsAndABase) {
  expect_error("base = \"a.toml\"\n", {"must hold points"});
  expect_error("[[point]]\nname = \"a\"\n", {"demo.toml:1:", "'base' must be given"});
  expect_error("[grid]\n\"train.seed\" = [1]\n", {"'base' must be given"});
  expect_error("base = \"a.toml\"\n[[point]]\nlabel = \"a\"\n", {"must have a name"});
}

TEST(SweepFile, AKeyIsSearchedOrGriddedNotBoth) {
  expect_error("base = \"a.toml\"\n[grid]\n\"a.b\" = [1]\n[search]\n\"a.b\" = [2]\n",
               {"'a.b' stands in [grid] too"});
}

TEST(SweepFile, RunsAreEvaluatedUnlessItSaysNo) {
  const std::string point = "base = \"a.toml\"\n[[point]]\nname = \"a\"\n";
  EXPECT_TRUE(parse(point).evaluate);
  EXPECT_FALSE(parse("evaluate = false\n" + point).evaluate);
  expect_error("evaluate = 0\n" + point, {"demo.toml:1:12", "'evaluate' must be true or false"});
  expect_error("evaluate = false\n" + point + "[search]\n\"train.seed\" = [1, 2]\n",
               {"demo.toml:6:", "[search] looks for the lowest perplexity"});
}

TEST(SweepFile, SaysAllProblemsAtOnce) {
  expect_error("title = 1\nbasis = \"a\"\n", {"has 3 errors"});
}

/// Files of experiments in a directory of their own.
class ExtendedSweepFile : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) {
    std::ofstream(directory_.path() / name) << text;
  }

  [[nodiscard]] std::filesystem::path path() const { return directory_.path() / "search.toml"; }

  tests::TemporaryDirectory directory_;
};

TEST_F(ExtendedSweepFile, GivesBaseSettingsAndPointsButNothingElse) {
  write("whole.toml", R"(
title = "Whole"
base = "small.toml"
[set]
"train.steps" = 1000
[[point]]
name = "a"
set = { "model.dropout" = 0.2 }
[[plot]]
kind = "perplexity_vs_ops"
)");
  const SweepFile file = parse_sweep_file(R"(
extends = "whole.toml"
[set]
"train.steps" = 10
[[point]]
name = "b"
[search]
"schedule.learning_rate" = [1e-3, 2e-3]
)",
                                          path());
  EXPECT_EQ(file.base, directory_.path() / "small.toml");
  ASSERT_EQ(file.set.size(), 2U);
  EXPECT_EQ(file.set[0].value, core::ConfigValue(int64_t{1000}));
  EXPECT_EQ(file.set[1].value, core::ConfigValue(int64_t{10}));  // later: it wins
  ASSERT_EQ(file.points.size(), 2U);
  EXPECT_EQ(file.points[0].name, "a");
  EXPECT_EQ(file.points[0].set.size(), 1U);
  EXPECT_EQ(file.points[1].name, "b");
  EXPECT_EQ(file.title, "");
  EXPECT_TRUE(file.plots.empty());
  EXPECT_EQ(parse_sweep_file("extends = \"whole.toml\"\nbase = \"other.toml\"\n", path()).base,
            directory_.path() / "other.toml");
}

TEST_F(ExtendedSweepFile, MustBeAWholeOneThatExtendsNone) {
  EXPECT_NE(error_of("extends = \"whole.toml\"\n", path()).find("there is none that can be read"),
            std::string::npos);
  write("whole.toml", "extends = \"search.toml\"\n");
  const std::string circle = error_of("extends = \"whole.toml\"\n", path());
  EXPECT_NE(circle.find("must not extend a third"), std::string::npos) << circle;
  EXPECT_NE(circle.find("whole.toml:1:"), std::string::npos) << circle;
  write("whole.toml", "base = \"small.toml\"\n");
  const std::string empty = error_of("extends = \"whole.toml\"\n", path());
  EXPECT_NE(empty.find("must hold points"), std::string::npos) << empty;
}

TEST(SweepFile, AMissingFileIsNotFound) {
  try {
    (void)load_sweep_file("/nowhere/at/all.toml");
    FAIL();
  } catch (const core::Error& error) {
    EXPECT_EQ(error.code(), core::ErrorCode::kNotFound);
  }
}

}  // namespace
}  // namespace switchyard::sweep
