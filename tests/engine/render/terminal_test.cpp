#include "render/terminal.h"

#include <map>

#include <gtest/gtest.h>

namespace switchyard::render {
namespace {

Environment environment(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const char* name) {
    const auto found = values.find(name);
    return found == values.end() ? std::string() : found->second;
  };
}

TEST(Terminal, ShowsColoursAsTheEnvironmentSays) {
  const auto colour = [](std::map<std::string, std::string> values) {
    return describe_terminal(true, environment(std::move(values))).colour;
  };
  EXPECT_EQ(colour({{"TERM", "xterm-256color"}}), ColourLevel::k256);
  EXPECT_EQ(colour({{"TERM", "xterm-256color"}, {"COLORTERM", "truecolor"}}), ColourLevel::k24Bit);
  EXPECT_EQ(colour({{"TERM", "xterm-256color"}, {"NO_COLOR", "1"}}), ColourLevel::kNone);
  EXPECT_EQ(colour({{"TERM", "dumb"}, {"COLORTERM", "truecolor"}}), ColourLevel::kNone);
}

TEST(Terminal, DoesNotAnimateWhereTheCursorCannotGoBack) {
  EXPECT_FALSE(describe_terminal(true, environment({{"TERM", "dumb"}})).animates);
  EXPECT_FALSE(describe_terminal(false, environment({{"TERM", "xterm"}})).animates);
  EXPECT_TRUE(describe_terminal(true, environment({{"TERM", "xterm"}})).animates);
}

TEST(Terminal, UsesUnicodeInAUnicodeLocale) {
  EXPECT_TRUE(describe_terminal(true, environment({{"TERM", "xterm"}, {"LANG", "de_DE.UTF-8"}}))
                  .has_unicode);
  EXPECT_FALSE(describe_terminal(
                   true, environment({{"TERM", "xterm"}, {"LC_ALL", "C"}, {"LANG", "de_DE.UTF-8"}}))
                   .has_unicode);
}

TEST(Terminal, MakesControlBytesVisible) {
  EXPECT_EQ(printable("a\x1b[31mb\tc\n"), "a\\x1b[31mb\tc\n");
}

}  // namespace
}  // namespace switchyard::render
