#include "cli/completion_script.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace switchyard::cli {
namespace {

std::vector<CommandSummary> two_commands() {
  return {{"eval",
           "Measure it's perplexity",
           {{{}, "run directory", true, ValueKind::kDirectory, {}},
            {{"--split", "-s"}, "which text", true, ValueKind::kText, {"valid", "test"}},
            {{"--json"}, "as JSON", false, ValueKind::kText, {}}}},
          {"doctor", "Look", {}}};
}

TEST(CompletionScript, OffersCommandsOptionsAndChoices) {
  const std::string bash = completion_script("bash", two_commands());
  EXPECT_NE(bash.find("compgen -W 'eval doctor --help --version'"), std::string::npos) << bash;
  EXPECT_NE(bash.find("eval:--split|eval:-s) COMPREPLY=($(compgen -W 'valid test'"),
            std::string::npos)
      << bash;
  const std::string fish = completion_script("fish", two_commands());
  EXPECT_NE(fish.find("-l split -s s -d 'which text' -x -a 'valid test'"), std::string::npos);
  EXPECT_NE(fish.find("-a eval -d 'Measure it'\\''s perplexity'"), std::string::npos);
  const std::string zsh = completion_script("zsh", two_commands());
  EXPECT_NE(zsh.find("'--split[which text]:value:(valid test)'"), std::string::npos) << zsh;
}

TEST(CompletionScript, KnowsThreeShells) {
  EXPECT_THROW((void)completion_script("tcsh", two_commands()), core::Error);
}

}  // namespace
}  // namespace switchyard::cli
