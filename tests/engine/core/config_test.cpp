#include "core/config.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace switchyard::core {
namespace {

ConfigSchema demo_schema() {
  ConfigSchema schema;
  schema.keys = {
      {"data.path", FieldType::kText, std::string(), "directory of the data set", 0, 0, {}, true},
      {"train.steps", FieldType::kInteger, int64_t{1000}, "number of steps", 0, 1e9},
      {"train.clip_norm", FieldType::kNumber, 1.0, "largest gradient norm", 0},
      {"train.shuffle", FieldType::kBool, true, "in a new order every epoch"},
      {"model.layers",
       FieldType::kTextList,
       std::vector<std::string>{"lstm"},
       "the stack",
       0,
       0,
       {"lstm", "moe"}},
      {"schedule.kind",
       FieldType::kText,
       std::string("constant"),
       "shape of the learning rate",
       0,
       0,
       {"constant", "inverse_sqrt"}},
  };
  schema.components = {
      {"model.moe.gate", false, "who routes"},
      {"model.moe.experts",
       true,
       "groups of experts",
       {{"count", FieldType::kInteger, int64_t{1}, "how many", 1, 1e6, {}, true}}},
  };
  return schema;
}

constexpr const char* kDemo = R"([data]
path = "ptb"
[train]
steps = 20   # few
clip_norm = 2
[model]
layers = ["lstm", "moe"]
[model.moe.gate]
plugin = "noisy_topk"
k = 2
[[model.moe.experts]]
plugin = "ffn"
count = 8
hidden = [16, 8]
[[model.moe.experts]]
plugin = "ffn"
count = 4
hidden = []
dropout = 0.5
)";

Config demo(const std::vector<std::string>& overrides = {}) {
  return Config::from_text(demo_schema(), kDemo, "demo.toml", overrides);
}

template <typename T>
T value_of(const Config& config, std::string_view key) {
  return std::get<T>(config.setting(key));
}

using Texts = std::vector<std::string>;

std::string message_of(const std::string& text, const std::vector<std::string>& overrides = {}) {
  try {
    (void)Config::from_text(demo_schema(), text, "demo.toml", overrides);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  return "no error";
}

TEST(Config, ReadsValuesAndFillsInDefaults) {
  const Config config = demo();
  EXPECT_EQ(value_of<std::string>(config, "data.path"), "ptb");
  EXPECT_EQ(value_of<int64_t>(config, "train.steps"), 20);
  EXPECT_EQ(value_of<double>(config, "train.clip_norm"), 2.0);
  EXPECT_TRUE(value_of<bool>(config, "train.shuffle"));
  EXPECT_EQ(value_of<Texts>(config, "model.layers"), (std::vector<std::string>{"lstm", "moe"}));
  EXPECT_EQ(value_of<std::string>(config, "schedule.kind"), "constant");
}

TEST(Config, LeavesTheKeysOfAComponentToItsPlugin) {
  const Config config = demo();
  const ConfigTable gate = config.tables("model.moe.gate").at(0);
  EXPECT_EQ(gate.component.plugin, "noisy_topk");
  EXPECT_EQ(std::get<int64_t>(gate.component.values.at("k")), 2);
  EXPECT_EQ(gate.component.where, "model.moe.gate (demo.toml:8:12)");
  const auto& experts = config.tables("model.moe.experts");
  ASSERT_EQ(experts.size(), 2U);
  EXPECT_EQ(std::get<int64_t>(experts[0].own.at("count")), 8);
  EXPECT_EQ(std::get<std::vector<double>>(experts[0].component.values.at("hidden")),
            (std::vector<double>{16, 8}));
  EXPECT_EQ(experts[1].component.values.size(), 2U);
}

TEST(Config, KnowsWhereEverySettingComesFrom) {
  std::string text;
  for (const Config::Line& line : demo({"train.steps=7", "model.moe.gate.k = 4"}).lines()) {
    text += line.key + " = " + line.value + "  # " + line.origin + "\n";
  }
  EXPECT_EQ(text, R"(data.path = "ptb"  # demo.toml:2:1
train.steps = 7  # --set train.steps=7
train.clip_norm = 2.0  # demo.toml:5:1
train.shuffle = true  # default
model.layers = ["lstm", "moe"]  # demo.toml:7:1
schedule.kind = "constant"  # default
model.moe.gate.plugin = "noisy_topk"  # demo.toml:9:1
model.moe.gate.k = 4  # --set model.moe.gate.k = 4
model.moe.experts[0].plugin = "ffn"  # demo.toml:12:1
model.moe.experts[0].count = 8  # demo.toml:13:1
model.moe.experts[0].hidden = [16, 8]  # demo.toml:14:1
model.moe.experts[1].plugin = "ffn"  # demo.toml:16:1
model.moe.experts[1].count = 4  # demo.toml:17:1
model.moe.experts[1].dropout = 0.5  # demo.toml:19:1
model.moe.experts[1].hidden = []  # demo.toml:18:1
)");
}

TEST(Config, ReadsAnOverrideAsTomlAndElseAsText) {
  EXPECT_EQ(value_of<std::string>(demo({"data.path=/a/b c"}), "data.path"), "/a/b c");
  EXPECT_EQ(value_of<std::string>(demo({"data.path=\"x=y\""}), "data.path"), "x=y");
  EXPECT_EQ(value_of<int64_t>(demo({"train.steps=1e3"}), "train.steps"), 1000);
  EXPECT_EQ(value_of<int64_t>(demo({"train.steps=1", "train.steps=2"}), "train.steps"), 2);
  EXPECT_EQ(value_of<Texts>(demo({"model.layers=[]"}), "model.layers").size(), 0U);
}

TEST(Config, ReplacesEntriesAndWholeTablesByOverride) {
  const Config entry = demo({"model.moe.experts.1.count=6", "model.moe.experts[0].count=5"});
  EXPECT_EQ(std::get<int64_t>(entry.tables("model.moe.experts")[0].own.at("count")), 5);
  EXPECT_EQ(std::get<int64_t>(entry.tables("model.moe.experts")[1].own.at("count")), 6);
  const Config list = demo({"model.moe.experts=[{plugin=\"glu\", count=3}]"});
  ASSERT_EQ(list.tables("model.moe.experts").size(), 1U);
  EXPECT_EQ(list.tables("model.moe.experts")[0].component.plugin, "glu");
  const Config gate = demo({"model.moe.gate={plugin=\"softmax\"}"});
  EXPECT_EQ(gate.tables("model.moe.gate")[0].component.values.size(), 0U);
}

TEST(Config, IsCopiedWithAnotherValue) {
  const Config config = demo();
  const Config other = config.with("train.steps", int64_t{7});
  EXPECT_EQ(value_of<int64_t>(other, "train.steps"), 7);
  EXPECT_EQ(value_of<std::string>(other, "data.path"), "ptb");
  EXPECT_EQ(value_of<int64_t>(config, "train.steps"), 20);
}

TEST(Config, WrittenOutReadsBackAsTheSameConfiguration) {
  const Config config = demo({"data.path=\"a\\\"b\\\\c\\n\"", "train.clip_norm=1e-30"});
  const std::string text = config.to_toml();
  const Config again = Config::from_text(demo_schema(), text, "resolved.toml", {});
  EXPECT_EQ(again.to_toml(), text);
  EXPECT_EQ(value_of<std::string>(again, "data.path"), "a\"b\\c\n");
  EXPECT_EQ(value_of<double>(again, "train.clip_norm"), 1e-30);
  EXPECT_EQ(again.tables("model.moe.experts").size(), 2U);
}

TEST(ConfigErrors, NameTheNearestKeyAndShowTheLine) {
  EXPECT_EQ(message_of("[data]\npath = \"x\"\n[train]\nstpes = 5\n"),
            "demo.toml:4:1: unknown key 'train.stpes'; did you mean 'train.steps'?\n"
            "   4 | stpes = 5\n"
            "     | ^~~~~");
}

TEST(ConfigErrors, NameTheTypeThatIsAskedFor) {
  EXPECT_EQ(message_of("[data]\npath = \"x\"\n[train]\nsteps = \"many\"\n"),
            "demo.toml:4:9: 'train.steps' must be a whole number, got the text \"many\"\n"
            "   4 | steps = \"many\"\n"
            "     |         ^~~~~~");
}

TEST(ConfigErrors, AreReportedAllAtOnce) {
  EXPECT_EQ(
      message_of("shufle = true\n"
                 "[train]\nsteps = -1\nclip_norm = [1]\n"
                 "[model]\nlayers = [\"lstm\", \"gru\"]\n"
                 "[trian]\nsteps = 1\nshuffle = 3\n",
                 {"train.shufle=false"}),
      "demo.toml has 7 errors\n"
      "demo.toml: 'data.path' must be given: directory of the data set\n"
      "demo.toml:1:1: unknown key 'shufle'\n"
      "   1 | shufle = true\n"
      "     | ^~~~~~\n"
      "demo.toml:3:9: 'train.steps' must lie between 0 and 1000000000, got -1\n"
      "   3 | steps = -1\n"
      "     |         ^~\n"
      "demo.toml:4:13: 'train.clip_norm' must be a number, got [1]\n"
      "   4 | clip_norm = [1]\n"
      "     |             ^~~\n"
      "demo.toml:6:10: 'model.layers' must be one of \"lstm\", \"moe\", got [\"lstm\", \"gru\"]\n"
      "   6 | layers = [\"lstm\", \"gru\"]\n"
      "     |          ^~~~~~~~~~~~~~~\n"
      "demo.toml:7:2: unknown table 'trian'; did you mean 'train'?\n"
      "   7 | [trian]\n"
      "     |  ^~~~~\n"
      "--set train.shufle=false: unknown key 'train.shufle'; did you mean 'train.shuffle'?");
}

TEST(ConfigErrors, SuggestTheRightTableForAKeyInTheWrongOne) {
  EXPECT_NE(message_of("steps = 5\n[data]\npath = \"x\"\n").find("did you mean 'train.steps'?"),
            std::string::npos);
}

TEST(ConfigErrors, ShowAtMostTwentyProblems) {
  std::string text = "[data]\npath = \"x\"\n[train]\n";
  for (int i = 0; i < 25; ++i) {
    text += "nothing" + std::to_string(i) + " = 1\n";
  }
  const std::string message = message_of(text);
  EXPECT_TRUE(message.starts_with("demo.toml has 25 errors\n"));
  EXPECT_TRUE(message.ends_with("\n... and 5 more"));
}

TEST(ConfigErrors, ShowWhereTheTextIsNotToml) {
  const std::string message = message_of("[data]\npath = \n");
  EXPECT_TRUE(message.starts_with("demo.toml:2:")) << message;
  EXPECT_NE(message.find("   2 | path = "), std::string::npos) << message;
}

TEST(ConfigErrors, AskForTheTableAndThePluginOfAComponent) {
  const std::string data = "data.path = \"x\"\n";
  EXPECT_NE(message_of(data + "[model.moe.experts]\nplugin = \"ffn\"\ncount = 1\n")
                .find("'model.moe.experts' must be a list of tables: write [[model.moe.experts]]"),
            std::string::npos);
  EXPECT_NE(message_of(data + "[model.moe.gate]\nk = 2\n")
                .find("'model.moe.gate' must name its plugin: plugin = \"...\""),
            std::string::npos);
  EXPECT_NE(message_of(data + "[[model.moe.experts]]\nplugin = \"ffn\"\n")
                .find("'model.moe.experts[0].count' must be given"),
            std::string::npos);
  EXPECT_NE(message_of(data + "[model.moe.gate]\nplugin = \"a\"\nk = 2020-01-01\n")
                .find("got a date or time"),
            std::string::npos);
  EXPECT_NE(message_of(data, {"model.moe.experts[3].count=2"}).find("there are only 0 tables"),
            std::string::npos);
}

TEST(ConfigErrors, RefuseAnOverrideWithoutAValue) {
  EXPECT_EQ(message_of("", {"train.steps"}),
            "--set needs KEY=VALUE, such as --set train.steps=1000; got 'train.steps'");
}

TEST(ConfigErrors, NameTheOtherFileThatGaveAValue) {
  ConfigDocument document = ConfigDocument::parse(kDemo, "demo.toml");
  ConfigOrigin origin;
  origin.kind = ConfigOrigin::Kind::kFile;
  origin.source = "sweep.toml";
  origin.line = 7;
  origin.column = 3;
  document.set("train.steps", int64_t{30}, origin);
  const Config config(demo_schema(), document);
  EXPECT_EQ(value_of<int64_t>(config, "train.steps"), 30);
  document.set("train.stepz", int64_t{30}, origin);
  try {
    (void)Config(demo_schema(), document);
    FAIL();
  } catch (const Error& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("sweep.toml:7:3: unknown key 'train.stepz'"), std::string::npos) << text;
    EXPECT_EQ(text.find('^'), std::string::npos) << "a line of the wrong file:\n" << text;
  }
}

TEST(ConfigErrors, RefuseATextThatIsTooLargeOrTooDeep) {
  EXPECT_NE(message_of(std::string((1U << 20U) + 1, '#')).find("must not be larger"),
            std::string::npos);
  std::string deep = "[a";
  for (int i = 0; i < 40; ++i) {
    deep += ".a";
  }
  EXPECT_NE(message_of(deep + "]\n").find("nested deeper"), std::string::npos);
}

TEST(ConfigErrors, SayThatAFileIsMissing) {
  try {
    (void)read_config_text("/no/such/file.toml");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_STREQ(error.what(), "there is no configuration file /no/such/file.toml");
  }
}

TEST(SettingText, WritesNumbersThatReadBackEqual) {
  EXPECT_EQ(setting_text(0.1), "0.1");
  EXPECT_EQ(setting_text(1.0), "1.0");
  EXPECT_EQ(setting_text(1e-3), "0.001");
  EXPECT_EQ(setting_text(std::vector<double>{1024, 0.5}), "[1024, 0.5]");
}

}  // namespace
}  // namespace switchyard::core
