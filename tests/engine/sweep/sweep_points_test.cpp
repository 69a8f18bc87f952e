#include "sweep/sweep_points.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace switchyard::sweep {
namespace {

std::vector<PointGroup> expanded(const std::string& text) {
  return expand(parse_sweep_file("base = \"a.toml\"\n" + text, "demo.toml"));
}

std::vector<std::string> names_of(const std::vector<PointGroup>& groups) {
  std::vector<std::string> names;
  for (const PointGroup& group : groups) {
    for (const SweepPoint& point : group.points) {
      names.push_back(point.name);
    }
  }
  return names;
}

using Names = std::vector<std::string>;

TEST(SweepPoints, AreThoseOfTheList) {
  const auto groups = expanded("[[point]]\nname = \"a\"\n[[point]]\nname = \"b\"\nlabel = \"B\"\n");
  EXPECT_EQ(names_of(groups), (Names{"a", "b"}));
  EXPECT_EQ(groups[0].label, "a");
  EXPECT_EQ(groups[1].label, "B");
}

TEST(SweepPoints, AGridIsTheProductOfItsAxes) {
  const auto groups =
      expanded("[grid]\n\"model.moe.gate.k\" = [1, 2]\n\"model.dropout\" = [0.1, 0.25, 0.5]\n");
  ASSERT_EQ(groups.size(), 6U);
  EXPECT_EQ(names_of(groups)[0], "k-1_dropout-0.1");
  EXPECT_EQ(names_of(groups)[1], "k-1_dropout-0.25");
  EXPECT_EQ(names_of(groups)[5], "k-2_dropout-0.5");
  EXPECT_EQ(groups[5].label, "k 2, dropout 0.5");
}

TEST(SweepPoints, EveryPointMeetsEveryValue) {
  const auto groups = expanded(
      "[[point]]\nname = \"a\"\n[[point]]\nname = \"b\"\n"
      "[grid]\n\"train.seed\" = [1, 2]\n");
  EXPECT_EQ(names_of(groups), (Names{"a_seed-1", "a_seed-2", "b_seed-1", "b_seed-2"}));
}

TEST(SweepPoints, SearchedValuesStayInOneGroup) {
  const auto groups = expanded(
      "[[point]]\nname = \"a\"\n[grid]\n\"train.seed\" = [1, 2]\n"
      "[search]\n\"model.dropout\" = [0.1, 0.2]\n");
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[1].name, "a_seed-2");
  ASSERT_EQ(groups[1].points.size(), 2U);
  EXPECT_EQ(groups[1].points[0].name, "a_seed-2_dropout-0.1");
  ASSERT_EQ(groups[1].points[0].searched.size(), 1U);
  EXPECT_EQ(short_text(groups[1].points[0].searched[0]), "dropout 0.1");
}

TEST(SweepPoints, LaterSettingsComeLast) {
  const auto groups = expanded(
      "[set]\n\"x.a\" = 1\n[[point]]\nname = \"p\"\nset = { \"x.a\" = 2 }\n"
      "[grid]\n\"x.b\" = [3]\n[search]\n\"x.c\" = [4]\n");
  const SweepPoint& point = groups[0].points[0];
  ASSERT_EQ(point.assignments.size(), 4U);
  for (int64_t i = 0; i < 4; ++i) {
    EXPECT_EQ(point.assignments[static_cast<size_t>(i)].value, core::ConfigValue(i + 1));
  }
}

TEST(SweepPoints, KeysWithTheSameEndAreToldApart) {
  const auto groups = expanded("[grid]\n\"a.k\" = [1]\n\"b.k\" = [2]\n");
  EXPECT_EQ(names_of(groups), Names{"a.k-1_b.k-2"});
}

TEST(SweepPoints, ValuesBecomeNamesOfDirectories) {
  const auto groups = expanded("[grid]\n\"data.path\" = [\"../my data\"]\n");
  EXPECT_EQ(names_of(groups), Names{"path-..-my-data"});
}

TEST(SweepPoints, NamesMustBeNamesAndDiffer) {
  EXPECT_THROW((void)expanded("[[point]]\nname = \"../a\"\n"), core::Error);
  EXPECT_THROW((void)expanded("[[point]]\nname = \".hidden\"\n"), core::Error);
  EXPECT_THROW((void)expanded("[[point]]\nname = \"a\"\n[[point]]\nname = \"a\"\n"), core::Error);
}

TEST(SweepPoints, SelectionsKnowPrefixesAndSlips) {
  const auto groups = expanded(
      "[[point]]\nname = \"moe-4\"\n[[point]]\nname = \"moe-16\"\n[[point]]\nname = \"dense\"\n");
  SeriesRequest request;
  EXPECT_EQ(select_groups(request, groups), (std::vector<size_t>{0, 1, 2}));
  request.points = {"dense", "moe-*", "moe-4"};
  EXPECT_EQ(select_groups(request, groups), (std::vector<size_t>{2, 0, 1}));
  request.points = {"denze"};
  try {
    (void)select_groups(request, groups);
    FAIL();
  } catch (const core::Error& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean 'dense'?"), std::string::npos);
  }
}

}  // namespace
}  // namespace switchyard::sweep
