#include "cli/command_line.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "cli/commands.h"
#include "tests/support/temporary_directory.h"

namespace switchyard::cli {
namespace {

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

Outcome switchyard(const std::vector<std::string>& arguments) {
  std::ostringstream out;
  std::ostringstream err;
  render::Console console{out, err, render::Terminal{}, render::Terminal{}};
  Outcome outcome;
  outcome.code = cli::run_command_line(arguments, cli::make_commands(), console);
  outcome.out = out.str();
  outcome.err = err.str();
  return outcome;
}

TEST(CommandLine, ShowsHelpWithExamplesOnStdout) {
  const Outcome all = switchyard({"--help"});
  EXPECT_EQ(all.code, 0);
  EXPECT_NE(all.out.find("train"), std::string::npos);
  EXPECT_EQ(all.err, "");
  const Outcome train = switchyard({"train", "--help"});
  EXPECT_EQ(train.code, 0);
  EXPECT_NE(train.out.find("switchyard train moe.toml --run runs/demo"), std::string::npos);
}

TEST(CommandLine, HasExamplesAndJsonForEveryCommand) {
  for (const auto& command : cli::make_commands()) {
    const Outcome help = switchyard({command->name(), "--help"});
    EXPECT_NE(help.out.find("switchyard " + command->name()), std::string::npos) << help.out;
    EXPECT_NE(help.out.find("--json"), std::string::npos) << command->name();
  }
}

TEST(CommandLine, SuggestsTheCommandThatWasMeant) {
  const Outcome outcome = switchyard({"trian", "x"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err,
            "switchyard: error: there is no command 'trian'; did you mean 'train'?\n"
            "switchyard: `switchyard --help` shows how to use it\n");
}

TEST(CommandLine, ReturnsTwoForWrongUse) {
  EXPECT_EQ(switchyard({}).code, 2);
  EXPECT_EQ(switchyard({"train"}).code, 2);
  EXPECT_EQ(switchyard({"eval", "x", "--split", "dev"}).code, 2);
  EXPECT_EQ(switchyard({"train", "a", "--run", "b", "--nonsense"}).code, 2);
}

TEST(CommandLine, ReturnsThreeForWhatIsNotThere) {
  const Outcome outcome = switchyard({"resume", "/no/such/run"});
  EXPECT_EQ(outcome.code, 3);
  EXPECT_TRUE(outcome.err.starts_with("switchyard resume: error: there is no run in /no/such/run"));
  EXPECT_EQ(switchyard({"tail", "/no/such/run"}).code, 3);
  EXPECT_EQ(switchyard({"experts", "/no/such/run"}).code, 3);
  EXPECT_EQ(switchyard({"eval", "/no/such/run"}).code, 3);
  EXPECT_EQ(switchyard({"verify", "/no/such/run"}).code, 3);
  EXPECT_EQ(switchyard({"train", "/no/such.toml", "--run", "/no/such/run"}).code, 3);
}

TEST(CommandLine, ReturnsTwoForAWrongConfiguration) {
  const tests::TemporaryDirectory directory;
  const std::string file = (directory.path() / "c.toml").string();
  std::ofstream(file) << "[train]\nstesp = 1\n";
  const std::string run = (directory.path() / "run").string();
  const Outcome outcome = switchyard({"train", file, "--run", run});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.err.find("unknown key 'train.stesp'; did you mean 'train.steps'?"),
            std::string::npos)
      << outcome.err;
  EXPECT_FALSE(std::filesystem::exists(run));
}

TEST(CommandLine, ReturnsSixtyFiveForADamagedRun) {
  const tests::TemporaryDirectory directory;
  std::filesystem::create_directories(directory.path() / "checkpoints" / "step-1");
  const Outcome outcome = switchyard({"verify", directory.path().string(), "--json"});
  EXPECT_EQ(outcome.code, 65);
  EXPECT_TRUE(outcome.out.starts_with("{\"schema\":1,\"whole\":false,")) << outcome.out;
}

TEST(CommandLine, ListsTheSchemaAsJson) {
  const Outcome outcome = switchyard({"config", "schema", "--json"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_NE(outcome.out.find(R"({"schema":1,"key":"train.steps","default":"1000")"),
            std::string::npos);
  std::istringstream lines(outcome.out);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_TRUE(line.starts_with("{\"schema\":1,") && line.ends_with("}")) << line;
  }
}

TEST(CommandLine, RepeatsSetWithoutSwallowingPositionals) {
  const Outcome outcome = switchyard(
      {"config", "show", "--set", "train.steps=1", "--set", "train.seed=2", "/no/c.toml"});
  EXPECT_EQ(outcome.code, 3);
  EXPECT_NE(outcome.err.find("/no/c.toml"), std::string::npos) << outcome.err;
}

TEST(CommandLine, SaysThatThereAreNoRuns) {
  const tests::TemporaryDirectory directory;
  const Outcome outcome = switchyard({"runs", directory.path().string()});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.out, "");
  EXPECT_NE(outcome.err.find("no runs under"), std::string::npos);
}

TEST(CommandLine, ExaminesTheMachine) {
  const Outcome outcome = switchyard({"doctor", "--json"});
  EXPECT_NE(outcome.out.find("\"check\":\"oneDNN\""), std::string::npos);
  EXPECT_NE(outcome.out.find("\"check\":\"SQLite\""), std::string::npos);
}

}  // namespace
}  // namespace switchyard::cli
